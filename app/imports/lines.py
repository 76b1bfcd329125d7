"""The physical lines of a file: bounded in length, and decoded one by one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.imports.problems import Problem, note
from app.imports.sniffing import UTF8, Dialect

MAX_LINE = 1_000_000
_CHUNK = 1 << 18
_TOO_LONG = Problem("line_long", f"The row is longer than {MAX_LINE:,} characters.")
_FOREIGN = note("encoding", "The row is not UTF-8; it was read as Windows-1252. Check its accented letters.")


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end, its number (from 1), and what was wrong with its bytes."""

    number: int
    text: str
    problem: Problem | None = None


def lines_of(path: Path, dialect: Dialect) -> Iterator[Line]:
    """Yield the lines of the file; of one that is too long, only its number and that."""
    chunks = _chunks(path) if dialect.encoding == UTF8 else _as_utf8(path, dialect.encoding)
    for number, raw in enumerate(_split(chunks, dialect.newline), 1):
        if number == 1 and dialect.preamble:
            continue
        if raw is None:
            yield Line(number, "", _TOO_LONG)
        else:
            yield _decoded(number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw)


def _decoded(number: int, raw: bytes) -> Line:
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError:
        # Five bytes mean nothing in Windows-1252; Latin-1 gives every byte a character.
        try:
            return Line(number, raw.decode("cp1252"), _FOREIGN)
        except UnicodeDecodeError:
            return Line(number, raw.decode("latin-1"), _FOREIGN)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _as_utf8(path: Path, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in _chunks(path):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _split(chunks: Iterator[bytes], newline: bytes) -> Iterator[bytes | None]:
    """Cut a stream after each `newline`; None stands for a line over the limit, whose bytes are let go."""
    rest, dropping = b"", False
    for chunk in chunks:
        lines = (rest + chunk).split(newline)
        rest = lines.pop()
        for line in lines:
            if dropping or len(line) > MAX_LINE:
                yield None
                dropping = False
            else:
                yield line + newline
        if len(rest) > MAX_LINE:
            rest, dropping = b"", True
    if dropping:
        yield None
    elif rest:
        yield rest
