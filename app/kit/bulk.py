"""Many rows in one statement: VALUES of several rows, whose text is written once for each size.

A statement for each row is planned for each row. Arrays that the server takes apart would be shorter, but a distributed
engine refuses INSERT … SELECT under row-level security; COPY is not open to such tables anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

# Rows of one statement: twice as many are hardly faster, and the text of what is left over is written anew.
_CHUNK = 100


def insert_many(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all name the same columns, into `table`; none is one of no effect."""
    if not rows:
        return
    names = tuple(rows[0])
    as_json = frozenset(name for name in names if isinstance(table.c[name].type, JSONB))
    connection = session.connection()
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        connection.execute(_statement(table, names, len(chunk)), _values(names, chunk, as_json))


def _values(names: Sequence[str], rows: Sequence[Mapping[str, Any]], as_json: frozenset[str]) -> dict[str, Any]:
    return {
        f"v{number}_{at}": orjson.dumps(row[name]).decode() if name in as_json else row[name]
        for number, row in enumerate(rows)
        for at, name in enumerate(names)
    }


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...], count: int) -> TextClause:
    columns = ", ".join(f'"{table.c[name].name}"' for name in names)
    rows = (", ".join(f":v{number}_{at}" for at in range(len(names))) for number in range(count))
    values = ", ".join(f"({row})" for row in rows)
    return text(f'INSERT INTO "{table.name}" ({columns}) VALUES {values}')  # noqa: S608
