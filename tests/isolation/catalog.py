"""What the database says of itself: tables, columns, keys, and one digest of every tenant's rows in every table."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]
Digest = dict[tuple[str, UUID], str]

_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           a.attidentity <> '' OR a.attgenerated <> ''
    FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_FOREIGN = """
    SELECT target.relname,
           ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(num, pos)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY pos),
           ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(num, pos)
                 JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num ORDER BY pos)
    FROM pg_constraint c JOIN pg_class target ON target.oid = c.confrelid
    WHERE c.contype = 'f' AND c.conrelid = %s::regclass
"""
_UNIQUE = """
    SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) k(num)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num)
    FROM pg_index i WHERE i.indisunique AND i.indrelid = %s::regclass
"""
_CHOICES = r"""
    SELECT (regexp_match(pg_get_constraintdef(oid), '\(?\(?(\w+) = ANY'))[1],
           (regexp_match(pg_get_constraintdef(oid), 'ARRAY\[''([^'']+)'''))[1]
    FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass
      AND pg_get_constraintdef(oid) ~ '^CHECK \(\(\w+ = ANY \(ARRAY\[[^()]*\]\)\)\)( NOT VALID)?$'
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `made` says that the database itself makes its value."""

    name: str
    type: str
    nullable: bool
    made: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: these columns name those columns of `target`."""

    target: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one schema, with what an insert must know of it."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...]
    uniques: tuple[tuple[str, ...], ...]
    # Column → the first of the words that its CHECK allows.
    choices: dict[str, str]

    @property
    def label(self) -> str:
        """The quoted name with its schema."""
        return f'"{self.schema}"."{self.name}"'


def tables(connection: Connection, schema: str) -> list[Table]:
    """Return the tables of `schema`, those that others refer to first."""
    names = [row[0] for row in connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
        (f'"{schema}"',),
    )]  # fmt: skip
    found = {name: _table(connection, schema, name) for name in names if name != "alembic_version"}
    ordered: list[Table] = []
    while found:
        ready = [t for t in found.values() if all(r.target == t.name or r.target not in found for r in t.references)]
        assert ready, f"references go in a circle among {sorted(found)}"
        ordered += ready
        for table in ready:
            del found[table.name]
    return ordered


def _table(connection: Connection, schema: str, name: str) -> Table:
    where = (f'"{schema}"."{name}"',)
    return Table(
        schema,
        name,
        tuple(Column(*row) for row in connection.execute(_COLUMNS, where)),
        tuple(Reference(t, tuple(c), tuple(k)) for t, c, k in connection.execute(_FOREIGN, where)),
        tuple(tuple(row[0]) for row in connection.execute(_UNIQUE, where)),
        dict(connection.execute(_CHOICES, where).fetchall()),
    )


def tenant_schemas(connection: Connection) -> list[str]:
    """Return every pool and dedicated schema."""
    query = r"SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' ORDER BY 1"
    return [row[0] for row in connection.execute(query)]


def digest_query(every: Iterable[Table]) -> str:
    """Return the query behind `digest`, to be made once and run often."""
    return " UNION ALL ".join(
        f"SELECT '{t.schema}.{t.name}', tenant_id, md5(string_agg(x::text, '|' ORDER BY x::text))"
        f" FROM {t.label} x GROUP BY tenant_id"
        for t in every
    )


def digest(connection: Connection, query: str, *, without: Collection[UUID] = ()) -> Digest:
    """Return a hash of the rows of every tenant in every table, but for the tenants in `without`."""
    return {(table, tenant): md5 for table, tenant, md5 in connection.execute(query.encode()) if tenant not in without}
