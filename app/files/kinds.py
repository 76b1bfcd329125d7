"""Kinds of files that are made here: how a download is called and declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. What is compressed is so on the way only: a browser saves the plain file."""

    suffix: str
    media_type: str
    encoding: str = ""


CSV = Kind("csv", "text/csv; charset=utf-8")
WORKBOOK = Kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file on disk."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
