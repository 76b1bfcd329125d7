"""Plants a row in every table for a tenant that exists nowhere else, so that the walls are tried without the product.

A new table needs nothing here unless a CHECK of it is more than a list of words: then it is told by `FITTING`.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from tests.isolation.catalog import Connection, Table

Row = dict[str, Any]
_WHEN = datetime(2026, 11, 1, 12, tzinfo=UTC)

# What a CHECK asks for beyond a list of words.
FITTING: dict[str, dict[str, Any]] = {
    "product": {"archived_at": None, "archived_from": None, "status": "active"},
    "login_session": {"kind": "web"},
    "order_line": {"kind": "product"},
    # Ended and relayed, so that no worker takes them.
    "job": {"state": "succeeded", "ordering_key": None},
    "outbox": {},
    "idempotency_key": {"status": 200},
}
_BY_NAME: dict[str, Any] = {"currency": "EUR"}
# Whole numbers that are part of a key.
_NUMBERED = frozenset({"position", "number", "generation"})


@dataclass
class Planted:
    """One tenant's rows by table, and the text that marks everything of it."""

    label: str
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What every text of this tenant begins with."""
        return f"canary-{self.label}-"

    def marks(self) -> list[str]:
        """Return everything that must be seen by nobody else."""
        return [self.mark, str(self.id), *(str(r["id"]) for r in self.rows.values() if "id" in r)]


def plant(connection: Connection, tenant: Planted, table: Table) -> Row:
    """Insert a row of `table` for `tenant` as whoever the connection is, remember it and return it."""
    row = fitting_row(tenant, table)
    insert(connection, table, row)
    tenant.rows.setdefault(_key(table), row)
    return row


def parent_of(tenant: Planted, table: Table, target: str) -> Row:
    """Return the row of `target` that rows of `table` may refer to."""
    return tenant.rows[f"{table.schema}.{target}"]


def row_of(tenant: Planted, table: Table) -> Row:
    """Return the row that was planted."""
    return tenant.rows[_key(table)]


def fitting_row(tenant: Planted, table: Table) -> Row:
    """Return a fresh row that all constraints of `table` accept."""
    special = FITTING.get(table.name, {})
    row: Row = {}
    for column in table.columns:
        if column.made:
            continue
        if column.name in special:
            row[column.name] = special[column.name]
        elif column.name in table.choices:
            row[column.name] = table.choices[column.name]
        else:
            row[column.name] = _value(tenant, table, column.name, column.type)
    row["tenant_id"] = tenant.id
    for reference in table.references:
        # A table that refers to itself has nobody else's row to refer to yet.
        itself = reference.target == table.name and _key(table) not in tenant.rows
        parent = row if itself else parent_of(tenant, table, reference.target)
        row.update({mine: parent[theirs] for mine, theirs in zip(reference.columns, reference.keys, strict=True)})
    return row


def insert(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert `row`, by the name of its schema."""
    connection.execute(*insert_statement(table, row))


def insert_statement(table: Table, row: Mapping[str, Any], tail: str = "") -> tuple[sql.Composed, list[Any]]:
    """Return the statement and its values."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) " + tail).format(
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    return statement, list(row.values())


def _value(tenant: Planted, table: Table, name: str, kind: str) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _NUMBERED:
        return secrets.randbelow(1_000_000_000)
    mark = f"{tenant.mark}{table.name}-{name}-{uuid.uuid4().hex[:8]}"
    made: dict[str, Any] = {
        "text": mark,
        "uuid": uuid.uuid4(),
        "bigint": 1,
        "integer": 1,
        "double precision": 0.5,
        "boolean": False,
        "timestamp with time zone": _WHEN,
        "date": _WHEN.date(),
        "jsonb": json.dumps({"mark": mark}),
        "bytea": mark.encode(),
    }
    return made[kind]


def _key(table: Table) -> str:
    return f"{table.schema}.{table.name}"
