"""The report of an import as rows: every row that has something to say, as it was, with what is said about it.

The columns are those of the file, so that the corrected rows can be imported themselves.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.files.cells import neutralise
from app.files.sheets import SheetWriter
from app.imports.reading import Row
from app.imports.tables import header_of

# What stands before the columns of the file; a file that comes back with these has them left out.
REPORT, FAILED = ("row", "imported", "problem"), ("row", "problem")
_CHUNK = 1 << 16
Rows = Iterator[list[str]]


def report_rows(rows: Iterator[Row], issues: Iterable[Any]) -> Rows:
    """Yield all rows with something to say, behind a header. `issues` come in the order of their rows."""
    header, start = _own(header_of(rows), REPORT)
    yield [*REPORT, *header]
    for number, said, cells in _matched(rows, issues):
        lost = any(issue.is_lost for issue in said)
        yield [str(number), "no" if lost else "yes", _told(said), *cells[start:]]


def failed_rows(rows: Iterator[Row], issues: Iterable[Any]) -> Rows:
    """Yield the rows that were not imported, behind a header, each with the reason: to correct and send again."""
    header, start = _own(header_of(rows), FAILED)
    yield [*FAILED, *header]
    for number, said, cells in _matched(rows, (issue for issue in issues if issue.is_lost)):
        yield [str(number), _told(said), *cells[start:]]


def as_csv(rows: Rows) -> Iterator[bytes]:
    """Yield rows as the bytes of a CSV that no spreadsheet runs."""
    out = io.StringIO()
    writer = csv.writer(out)
    for cells in rows:
        writer.writerow([neutralise(cell) for cell in cells])
        if out.tell() > _CHUNK:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def as_workbook(rows: Rows, path: Path) -> None:
    """Write rows as a workbook of texts: codes keep their zeros, and nothing runs."""
    with SheetWriter(path, "Rows") as sheet:
        sheet.header([neutralise(cell) for cell in next(rows)])
        for cells in rows:
            sheet.add([neutralise(cell) for cell in cells])


def _own(header: list[str], ours: Sequence[str]) -> tuple[list[str], int]:
    """Return the file's own columns, and where they begin: rows that come back carry ours already."""
    start = len(ours) if tuple(header[: len(ours)]) == tuple(ours) else 0
    return header[start:], start


def _told(said: Sequence[Any]) -> str:
    return " ".join(f"{issue.field_name}: {issue.message}" if issue.field_name else issue.message for issue in said)


def _matched(rows: Iterator[Row], issues: Iterable[Any]) -> Iterator[tuple[int, list[Any], list[str]]]:
    """Yield each row that has issues: its number, what is said, and its cells as far as they could be read."""
    row = next(rows, None)
    for number, said in _by_row(issues):
        while row is not None and row.number < number:
            row = next(rows, None)
        yield number, said, row.cells if row is not None and row.number == number and row.cells is not None else []


def _by_row(issues: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
    gathered: list[Any] = []
    for issue in issues:
        if gathered and gathered[0].row_number != issue.row_number:
            yield gathered[0].row_number, gathered
            gathered = []
        gathered.append(issue)
    if gathered:
        yield gathered[0].row_number, gathered
