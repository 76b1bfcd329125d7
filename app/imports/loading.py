"""Reads a whole file into a spool: every row judged, grouped, and none of them forgotten."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app.imports.cells import RowRefused
from app.imports.errors import FileUnreadable, TooManyRows
from app.imports.importer import Importer
from app.imports.mapping import columns
from app.imports.problems import Problem
from app.imports.reading import Row
from app.imports.spool import Spool
from app.imports.tables import header_of, rows_of

MAX_ROWS = 250_000
_TELL_EVERY = 2_000


def load(
    path: Path,
    importer: Importer,
    mapping: Mapping[str, str],
    spool: Spool,
    *,
    now: datetime,
    tell: Callable[[int], None],
    sheet: str = "",
    only: Container[int] | None = None,
) -> None:
    """Read the file at `path` into `spool`, and tell after every few rows how many were read.

    Of a workbook `sheet` is read; with `only` no other rows are than those with these numbers.

    Raises FileUnreadable, TooManyRows, Invalid when the mapping names columns that the file does not have.
    """
    rows = rows_of(path, sheet)
    positions = columns(importer.fields, header_of(rows), mapping)
    for row in rows:
        if only is not None and row.number not in only:
            continue
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


def _judge(row: Row, importer: Importer, positions: Mapping[str, int], spool: Spool, now: datetime) -> None:
    if row.cells is None:
        spool.lose(row.number, [row.problem] if row.problem else [])
        return
    cells = {field: row.cells[position] for field, position in positions.items()}
    try:
        record = importer.read(cells, now, _faults(row, positions))
    except RowRefused as refused:
        spool.lose(row.number, refused.problems, refused.group)
    else:
        spool.add(row.number, record)
        if row.problem is not None:
            spool.say(row.number, [row.problem])


def _faults(row: Row, positions: Mapping[str, int]) -> Mapping[str, Problem]:
    """Return what is wrong with single cells, by the field they feed; other columns do not matter."""
    if not row.faults:
        return {}
    return {
        field: replace(row.faults[position], column=field)
        for field, position in positions.items()
        if position in row.faults
    }
