"""A file of rows, whatever it is written in: delimited text, or a sheet of a workbook."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.imports.errors import FileUnreadable
from app.imports.reading import Row, read_rows
from app.imports.sniffing import sniff
from app.imports.xlsx import errors as xlsx
from app.imports.xlsx.workbook import Workbook, is_workbook

MAX_NAME = 200
# A look is taken at a door, while somebody waits: so many sheets, and so much of each.
MAX_SHEETS = 25
_LOOK = 1 << 20
_ROWS, _LONGEST_CELL = 5, 200


@dataclass(frozen=True, slots=True)
class Look:
    """What the beginning of a table shows. Only a sheet has a name."""

    name: str
    header: list[str]
    rows: list[list[str]]

    def stored(self) -> dict[str, object]:
        """Return this as JSON values."""
        return {"name": self.name, "header": self.header, "rows": self.rows}


def rows_of(path: Path, sheet: str = "") -> Iterator[Row]:
    """Yield the rows of a file, the header first; of a workbook those of `sheet`.

    Raises FileUnreadable.
    """
    if is_workbook(path):
        with Workbook(path) as book:
            yield from book.rows(sheet)
    else:
        yield from read_rows(path, sniff(path))


def header_of(rows: Iterator[Row]) -> list[str]:
    """Return the names of the columns from the first row.

    Raises FileUnreadable.
    """
    first = next(rows, None)
    if first is None or first.cells is None:
        told = first.problem.text if first and first.problem else "The file is empty."
        raise FileUnreadable(f"The first row, which names the columns, cannot be read. {told}")
    if first.faults:
        told = next(iter(first.faults.values())).text
        raise FileUnreadable(f"The first row names the columns. {told}")
    names = [" ".join(cell.split()) for cell in first.cells]
    if any(len(name) > MAX_NAME for name in names):
        raise FileUnreadable(f"The first row names the columns; no name may have more than {MAX_NAME} characters.")
    return names


def looks(path: Path) -> list[Look]:
    """Return the beginning of the file; of a workbook, of each of its visible sheets that begins with a header.

    Raises FileUnreadable.
    """
    if not is_workbook(path):
        return [_look("", read_rows(path, sniff(path)))]
    found = []
    with Workbook(path) as book:
        for sheet in book.sheets[:MAX_SHEETS]:
            rows = book.rows(sheet.name, stop=_LOOK)
            first = next(rows, None)
            if first is not None:
                found.append((sheet.name, first, rows))
        return _readable([(name, itertools.chain([first], rows)) for name, first, rows in found])


def _readable(sheets: list[tuple[str, Iterator[Row]]]) -> list[Look]:
    """Return the looks at all sheets that can be imported; when there is none, say why of the first."""
    if not sheets:
        raise xlsx.empty()
    found, problems = [], []
    for name, rows in sheets:
        try:
            found.append(_look(name, rows))
        except FileUnreadable as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found


def _look(name: str, rows: Iterator[Row]) -> Look:
    header = header_of(rows)
    good = (row for row in rows if row.cells is not None and not row.blank)
    return Look(name, header, [_shown(row) for row in itertools.islice(good, _ROWS)])


def _shown(row: Row) -> list[str]:
    faults = row.faults or {}
    return ["(formula)" if at in faults else cell[:_LONGEST_CELL] for at, cell in enumerate(row.cells or [])]
