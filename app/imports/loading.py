"""Reads a whole file into a spool: every row judged, grouped, and none of them forgotten."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from app.imports.cells import RowRefused
from app.imports.errors import FileUnreadable, TooManyRows
from app.imports.importer import Importer
from app.imports.mapping import columns
from app.imports.reading import Row, read_rows
from app.imports.sniffing import Dialect, sniff
from app.imports.spool import Spool

MAX_ROWS = 250_000
MAX_NAME = 200
_TELL_EVERY = 2_000


def load(
    path: Path,
    importer: Importer,
    mapping: Mapping[str, str],
    spool: Spool,
    *,
    now: datetime,
    tell: Callable[[int], None],
) -> None:
    """Read the file at `path` into `spool`, and tell after every few rows how many were read.

    Raises FileUnreadable, TooManyRows, Invalid when the mapping names columns that the file does not have.
    """
    rows = read_rows(path, sniff(path))
    positions = columns(importer.fields, header_of(rows), mapping)
    for row in rows:
        if row.blank:
            spool.blank_rows += 1
            continue
        _judge(row, importer, positions, spool, now)
        if spool.rows_read > MAX_ROWS:
            raise TooManyRows(f"{MAX_ROWS:,} rows are the most for one file. Split it; nothing was imported.")
        if spool.rows_read % _TELL_EVERY == 0:
            tell(spool.rows_read)
    if spool.rows_read == 0:
        raise FileUnreadable("The file has a header and no rows under it.")
    spool.seal(longest=importer.longest_group, thing=importer.thing)


def header_of(rows: Iterator[Row]) -> list[str]:
    """Return the names of the columns from the first row.

    Raises FileUnreadable.
    """
    first = next(rows, None)
    if first is None or first.cells is None:
        told = first.problem.text if first and first.problem else "The file is empty."
        raise FileUnreadable(f"The first row, which names the columns, cannot be read. {told}")
    names = [" ".join(cell.split()) for cell in first.cells]
    if any(len(name) > MAX_NAME for name in names):
        raise FileUnreadable(f"The first row names the columns; no name may have more than {MAX_NAME} characters.")
    return names


def preview(path: Path, *, rows: int = 5) -> tuple[Dialect, list[str], list[list[str]]]:
    """Return how the file is written, its header and its first rows.

    Raises FileUnreadable.
    """
    dialect = sniff(path)
    found = read_rows(path, dialect)
    header = header_of(found)
    good = (row.cells for row in found if row.cells is not None and not row.blank)
    return dialect, header, [[cell[:200] for cell in cells] for cells in itertools.islice(good, rows)]


def _judge(row: Row, importer: Importer, positions: Mapping[str, int], spool: Spool, now: datetime) -> None:
    if row.cells is None:
        spool.lose(row.number, [row.problem] if row.problem else [])
        return
    cells = {field: row.cells[position] for field, position in positions.items()}
    try:
        record = importer.read(cells, now)
    except RowRefused as refused:
        spool.lose(row.number, refused.problems, refused.group)
    else:
        spool.add(row.number, record)
        if row.problem is not None:
            spool.say(row.number, [row.problem])
