"""Reads a delimited file as rows, whatever is wrong with it: a bad row becomes a problem, never an exception.

A physical line is read with a limit on its length, decoded on its own, and parsed strictly. A quotation mark that is
never closed must not swallow the rest of the file: the search for its end is bounded, and then only that line is lost.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.imports.lines import Line, lines_of
from app.imports.problems import Problem
from app.imports.sniffing import Dialect

MAX_COLUMNS = 200
MAX_CELL = 32_000
# A cell may span lines; a quotation mark that is open for longer than this was never meant to be one.
MAX_SPAN = 200

_UNENDED = "unexpected end of data"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the number of its first line, its cells, and what is wrong with it. No cells: it is lost.

    `faults` are single cells, by position, that cannot be used; the row is lost only where their column counts.
    """

    number: int
    cells: list[str] | None
    problem: Problem | None = None
    faults: Mapping[int, Problem] | None = None

    @property
    def blank(self) -> bool:
        """Say whether nothing but delimiters is in it."""
        return self.cells is not None and not self.faults and not any(cell.strip() for cell in self.cells)


def read_rows(path: Path, dialect: Dialect) -> Iterator[Row]:
    """Yield every record of the file, the header first. Lines that hold nothing are passed over."""
    source = lines_of(path, dialect)
    waiting: deque[Line] = deque()
    width: int | None = None
    while (line := waiting.popleft() if waiting else next(source, None)) is not None:
        if line.problem is None and not line.text.strip():
            continue
        row = _record(line, source, waiting, dialect, width)
        if width is None and row.cells is not None:
            width = len(row.cells)
        yield row


def _record(line: Line, source: Iterator[Line], waiting: deque[Line], dialect: Dialect, width: int | None) -> Row:
    if line.problem is not None and line.problem.lost:
        return Row(line.number, None, line.problem)
    cells = _parse([line.text], dialect)
    if cells is None:
        cells = _spanning(line, source, waiting, dialect, width)
    problem = cells if isinstance(cells, Problem) else shape_problem(cells, width)
    if problem is not None:
        return Row(line.number, None, problem)
    assert not isinstance(cells, Problem)  # noqa: S101 (for the type checker)
    return Row(line.number, cells, line.problem)


def _spanning(
    first: Line, source: Iterator[Line], waiting: deque[Line], dialect: Dialect, width: int | None
) -> list[str] | Problem:
    """Look for the end of a cell that spans lines; give the lines back when it has none, or makes no good row."""
    taken: list[Line] = []
    while len(taken) < MAX_SPAN:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            break
        taken.append(line)
        if line.problem is not None and line.problem.lost:
            break
        if '"' not in line.text:
            continue
        cells = _parse([first.text, *(each.text for each in taken)], dialect)
        if cells is None:
            continue
        if isinstance(cells, Problem) or shape_problem(cells, width):
            break
        return cells
    waiting.extendleft(reversed(taken))
    return Problem("quote_open", "A quotation mark in this row is never closed.")


def _parse(texts: list[str], dialect: Dialect) -> list[str] | Problem | None:
    """Return the cells, the problem, or None when a quoted cell goes on in the next line."""
    try:
        found = list(csv.reader(texts, delimiter=dialect.delimiter, strict=True))
    except csv.Error as error:
        return _broken(str(error))
    return found[0] if found else []


def _broken(said: str) -> Problem | None:
    if said == _UNENDED:
        return None
    if said.startswith("field larger"):
        return Problem("cell_long", f"A cell holds more than {MAX_CELL:,} characters.")
    if "new-line" in said:
        return Problem("line_end", "A line end stands in the middle of the row; put that cell in quotation marks.")
    return Problem("quote_stray", 'A quotation mark stands inside a quoted cell; double it, like "".')


def shape_problem(cells: list[str], width: int | None) -> Problem | None:
    """Return what makes a row of these cells impossible under a header of `width` columns, or None."""
    if len(cells) > MAX_COLUMNS:
        return Problem("columns_many", f"The row has {len(cells):,} columns; {MAX_COLUMNS} are the most.")
    if width is not None and len(cells) != width:
        return Problem("columns_wrong", f"The row has {_count(len(cells))}, the header has {width}.")
    for cell in cells:
        if len(cell) > MAX_CELL:
            return Problem("cell_long", f"A cell holds {len(cell):,} characters; {MAX_CELL:,} are the most.")
        if "\0" in cell:
            return Problem("nul", "The row holds a NUL character, which no text may.")
    return None


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"
