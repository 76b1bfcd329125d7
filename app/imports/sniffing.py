"""Finds out how a file is written: encoding, delimiter, line ends."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from app.kit.errors import FieldError, Invalid

SAMPLE = 1 << 16
DELIMITERS = ",;\t|"
UTF8 = "utf-8"

# First bytes of what people upload by mistake, and what to do then.
_OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook, or one with a password. Save a copy as .xlsx without one."),
    (b"%PDF", "This is a PDF. Choose a CSV file or an Excel workbook."),
    (b"PAR1", "This is a Parquet file. Choose a CSV file or an Excel workbook."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and choose the file inside."),
    (b"\x89PNG", "This is a picture. Choose a CSV file or an Excel workbook."),
    (b"\xff\xd8\xff", "This is a picture. Choose a CSV file or an Excel workbook."),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. `encoding` is that of most lines: each is decoded on its own."""

    encoding: str = UTF8
    delimiter: str = ","
    newline: bytes = b"\n"
    # A first line like "sep=;", which some spreadsheets write, is no header.
    preamble: bool = False


def refuse_other_kinds(head: bytes) -> None:
    """Raise Invalid when the first bytes of a file show that it is no table, or empty."""
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Invalid(errors=[FieldError("#/file", "The file is empty. Choose one with a header and rows.")])
    for magic, told in _OTHER_KINDS:
        if head.startswith(magic):
            raise Invalid(errors=[FieldError("#/file", told)])


def sniff(path: Path) -> Dialect:
    """Return how the file at `path` is written, judged by its beginning."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    encoding = _encoding(head)
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    newline = b"\r" if "\r" in text and "\n" not in text else b"\n"
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        return Dialect(encoding, first[-1], newline, preamble=True)
    return Dialect(encoding, _delimiter([line for line in lines if line.strip()][:20]), newline)


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark: in text of mostly ASCII letters every second byte of UTF-16 is zero.
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = head[offset:2000:2]
        if len(half) > 4 and half.count(0) > len(half) * 0.6:
            return name
    return UTF8


def _delimiter(lines: list[str]) -> str:
    """Choose the delimiter that cuts the header into most columns, and the other lines into as many."""
    best, best_score = ",", (0, 0)
    for delimiter in DELIMITERS:
        widths = [_width(line, delimiter) for line in lines]
        if not widths or widths[0] < 2:
            continue
        score = (widths.count(widths[0]), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
