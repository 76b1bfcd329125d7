"""The report of an import as a file: every row that has something to say, as it was, with what is said about it.

The columns are those of the file, so that the corrected report can be imported itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.files.cells import neutralise
from app.imports.loading import header_of
from app.imports.reading import read_rows
from app.imports.sniffing import sniff

_COLUMNS = ("row", "imported", "problem")
_CHUNK = 1 << 16


def report_lines(path: Path, issues: Iterable[Any]) -> Iterator[bytes]:
    """Yield the report as CSV. `issues` come in the order of their rows: row_number, message, field_name, is_lost."""
    rows = read_rows(path, sniff(path))
    header = header_of(rows)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, *(neutralise(name) for name in header)])
    row = next(rows, None)
    for number, said in _by_row(issues):
        while row is not None and row.number < number:
            row = next(rows, None)
        cells = row.cells if row is not None and row.number == number and row.cells is not None else []
        lost = any(issue.is_lost for issue in said)
        told = " ".join(f"{issue.field_name}: {issue.message}" if issue.field_name else issue.message for issue in said)
        writer.writerow([number, "no" if lost else "yes", neutralise(told), *(neutralise(cell) for cell in cells)])
        if out.tell() > _CHUNK:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _by_row(issues: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
    gathered: list[Any] = []
    for issue in issues:
        if gathered and gathered[0].row_number != issue.row_number:
            yield gathered[0].row_number, gathered
            gathered = []
        gathered.append(issue)
    if gathered:
        yield gathered[0].row_number, gathered
