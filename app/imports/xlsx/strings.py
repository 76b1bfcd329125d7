"""The texts that the cells of a workbook share, read as far as somebody asks and kept on disk, not in memory."""

from __future__ import annotations

import os
import re
import tempfile
from array import array
from collections.abc import Iterator

from app.imports.reading import MAX_CELL
from app.imports.xlsx import errors
from app.imports.xlsx.markup import walk

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class Strings:
    """Shared texts by their index. Also the handler of their part."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        self._ends = array("Q", [0])
        self._waiting = bytearray()
        self._written = 0
        self._steps = walk(chunks, self)
        self._pieces: list[str] = []
        self._size = 0
        self._collects = self._is_phonetic = False

    def close(self) -> None:
        """Let go of the disk space, and of the part."""
        self._steps.close()
        self._file.close()

    def get(self, index: int) -> str:
        """Return a text.

        Raises FileUnreadable when there is none.
        """
        while index + 1 >= len(self._ends):
            if next(self._steps, self) is self:
                raise errors.damaged()
            self._write()
        start, end = self._ends[index], self._ends[index + 1]
        return os.pread(self._file.fileno(), end - start, start).decode()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a text, a run of it, or its reading aid."""
        if name == "t":
            self._collects = not self._is_phonetic
        elif name == "rPh":
            self._is_phonetic = True

    def end(self, name: str) -> None:
        """End what `start` began."""
        if name == "t":
            self._collects = False
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "si":
            self._waiting += unescape("".join(self._pieces)).encode()
            self._ends.append(self._written + len(self._waiting))
            self._pieces.clear()
            self._size = 0

    def text(self, text: str) -> None:
        """Take a piece of a text; what no cell may hold is let go."""
        if self._collects and self._size <= MAX_CELL:
            self._pieces.append(text)
            self._size += len(text)

    def _write(self) -> None:
        self._file.write(self._waiting)
        self._written += len(self._waiting)
        self._waiting.clear()


def unescape(text: str) -> str:
    """Return a text with its control characters, which XML cannot hold and Excel writes as _x000D_."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    # Half a surrogate pair is no character.
    return found.group() if 0xD800 <= number < 0xE000 else chr(number)
