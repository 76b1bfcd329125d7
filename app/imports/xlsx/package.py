"""The zip file that a workbook is, opened so that nothing in it can unpack to more than was agreed.

Sizes are judged by the directory before a byte is unpacked, and zipfile reads no entry past the size its directory
names. The directory itself is bounded first, because zipfile loads it whole.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from app.imports.xlsx import errors

# Bytes of the zip directory; an honest workbook has some thousand.
MAX_DIRECTORY = 1 << 20
MAX_UNPACKED = 500 << 20
# What a sheet or the shared texts may unpack to, and everything else that is read.
MAX_SHEET = 400 << 20
MAX_STRINGS = 64 << 20
MAX_SMALL = 4 << 20
# Text of sheets packs 5 to 40 times; small parts may pack better.
_MAX_RATIO, _RATIO_FROM = 100, 4 << 20
_END, _END64, _END_SIZE, _LOCATOR_SIZE = b"PK\x05\x06", b"PK\x06\x07", 22, 20
_CHUNK = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """The parts of one workbook by name; a context manager. Raises FileUnreadable for all that is wrong with it."""

    def __init__(self, path: Path) -> None:
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise errors.damaged() from error
        self._open: list[IO[bytes]] = []
        self._names = {info.filename.lower(): info for info in self._zip.infolist()}
        if sum(info.file_size for info in self._names.values()) > MAX_UNPACKED:
            self._zip.close()
            raise errors.bomb()

    def close(self) -> None:
        """Let go of the file, also where somebody stopped reading in the middle of a part."""
        for part in self._open:
            part.close()
        self._zip.close()

    def has(self, name: str) -> bool:
        """Say whether there is a part called `name`."""
        return name.lower() in self._names

    def chunks(self, name: str, *, what: str, most: int, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of a part that may have `most`; `stop` ends the reading early, for a look at its beginning.

        Raises FileUnreadable.
        """
        info = self._names.get(name.lower())
        if info is None or info.compress_type not in _METHODS:
            raise errors.damaged()
        if info.flag_bits & 1:
            raise errors.locked()
        if info.file_size > _RATIO_FROM and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
            raise errors.bomb()
        if info.file_size > most:
            raise errors.too_large(what, f"{most >> 20} MB")
        return self._unpacked(info, info.file_size if stop is None else stop)

    def _unpacked(self, info: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
        try:
            with self._zip.open(info) as part:
                self._open.append(part)
                while left > 0 and (chunk := part.read(min(_CHUNK, left))):
                    left -= len(chunk)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            raise errors.damaged() from error


def resolve(base: str, target: str) -> str:
    """Return the name of the part that `target`, as the part `base` writes it, means."""
    if target.startswith("/"):
        return target.lstrip("/")
    steps: list[str] = []
    for step in (PurePosixPath(base).parent / target).parts:
        if step == "..":
            steps = steps[:-1]
        else:
            steps.append(step)
    return "/".join(steps)


def _check_directory(path: Path) -> None:
    """Refuse a directory that is too long to be loaded, found the way zipfile finds it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_SIZE - _LOCATOR_SIZE - (1 << 16)))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise errors.damaged()
    # Nothing below 4 GB needs the 64-bit form, and its sizes would count instead of these.
    if tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_END64):
        raise errors.damaged()
    directory = struct.unpack("<I", tail[at + 12 : at + 16])[0]
    if directory > MAX_DIRECTORY:
        raise errors.bomb()
