"""Compares every schema with one that is built fresh from the history, and mends what can be mended without risk.

The reference is built inside a transaction that is rolled back, so it is never there for anybody else, and it is the
same server that prints both definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import psycopg

from app.kit.ids import new_id
from tenants.history import TENANT_HISTORY, History
from tenants.migration.ddl import opening
from tenants.migration.lanes import INDEX_LOCK_TIMEOUT
from tenants.migration.options import Options
from tenants.schemas import check_name, create_script, migrator

_FILE = Path(__file__).with_suffix(".sql")
# What may differ and be put right: making it again loses nothing, and it cannot fail on rows that are there.
MENDED = frozenset({"default", "index", "row security", "policy", "grant", "schema grant", "column grant", "comment"})

Shape = dict[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between a schema and the reference; `remedy` is empty where a person has to look."""

    database: str
    schema: str
    kind: str
    name: str
    what: Literal["missing", "different", "unknown"]
    detail: str
    remedy: str = ""

    @property
    def label(self) -> str:
        """What it is about, for people."""
        place = self.schema if self.database == "main" else f"{self.database}/{self.schema}"
        return f"{place}  {self.kind} {self.name} is {self.what}" + (f": {self.detail}" if self.detail else "")


@cache
def _query() -> str:
    return _FILE.read_text()


def find_drift(
    url: str,
    *,
    database: str = "main",
    schema: str | None = None,
    history: History = TENANT_HISTORY,
) -> Iterator[Drift]:
    """Yield every difference in one database, or in one `schema` of it.

    A schema that is not at the head is said to be late, and not compared.
    """
    with migrator(url) as connection:
        reference = _reference(connection, history)
        rows = connection.execute(
            b"SELECT schema_name, revision FROM control.schema_version "
            b"WHERE database = %s AND (%s::text IS NULL OR schema_name = %s) ORDER BY 1",
            (database, schema, schema),
        ).fetchall()
        for name, revision in rows:
            if revision != history.head:
                yield Drift(database, name, "revision", revision, "different", f"the head is {history.head}")
            else:
                yield from _compare(database, name, reference, _read(connection, name))


def _reference(connection: psycopg.Connection[Any], history: History) -> Shape:
    name = f"t_{new_id().hex}"
    modern = connection.info.server_version >= 160000
    script = create_script(name, modern=modern, history=history).removesuffix(b"; COMMIT")
    connection.execute(script)
    try:
        return _shape(connection, name)
    finally:
        connection.execute("ROLLBACK")


def _read(connection: psycopg.Connection[Any], schema: str) -> Shape:
    connection.execute(opening(schema, Options(statement_timeout=60_000)))
    try:
        return _shape(connection, schema)
    except psycopg.errors.InvalidSchemaName:
        return {}
    finally:
        connection.execute("ROLLBACK")


def _shape(connection: psycopg.Connection[Any], schema: str) -> Shape:
    """Return all that the schema on the path is made of, with its own name taken out."""
    check_name(schema)
    query = _query().replace("{schema}", f"'\"{schema}\"'").replace("{quoted}", f"'\"{schema}\"'")
    own = re.compile(rf'"?\b{schema}\b"?')
    return {
        (kind, own.sub("§", name)): (own.sub("§", definition), own.sub("§", remedy))
        for kind, name, definition, remedy in connection.execute(query.encode())
    }


def _compare(database: str, schema: str, reference: Shape, found: Shape) -> Iterator[Drift]:
    for key in sorted(reference.keys() | found.keys()):
        kind, name = key
        wanted, remedy = reference.get(key, ("", ""))
        there = found.get(key)
        if there is not None and key in reference and there[0] == wanted:
            continue
        what: Literal["missing", "different", "unknown"] = "missing" if there is None else "different"
        if key not in reference:
            what, remedy = "unknown", _removal(kind, name)
        detail = f"{there[0]!r} instead of {wanted!r}" if what == "different" and there else wanted
        readable = [part.replace("§", schema) for part in (name, detail)]
        safe = remedy.replace("§", f'"{schema}"') if kind in MENDED or what == "unknown" else ""
        yield Drift(database, schema, kind, readable[0], what, readable[1], safe)


def _removal(kind: str, name: str) -> str:
    """Return how to remove what the reference does not have: only a default and a comment are not missed by anybody."""
    if kind == "default":
        table, column = name.split(".", 1)
        return f'ALTER TABLE "{table}" ALTER COLUMN "{column}" DROP DEFAULT'
    if kind == "comment":
        table, _, column = name.partition(".")
        return f'COMMENT ON COLUMN "{table}"."{column}" IS NULL' if column else f'COMMENT ON TABLE "{table}" IS NULL'
    return ""


def repair(url: str, found: Drift) -> str:
    """Put one difference right; return why it could not be, or nothing.

    Each repair is a transaction of its own with a short wait for locks; an index is built concurrently.
    """
    if not found.remedy:
        return "nothing is done by itself about this; look at it"
    try:
        if found.kind == "index":
            with migrator(url, lock_timeout=INDEX_LOCK_TIMEOUT) as connection:
                _rebuild(connection, found)
        else:
            with migrator(url) as connection:
                connection.execute(opening(found.schema, Options()) + f"; {found.remedy}; COMMIT".encode())
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error.diag.message_primary or 'no detail'}"
    return ""


def _rebuild(connection: psycopg.Connection[Any], found: Drift) -> None:
    # One that is INVALID or has another definition holds the name, so it goes first.
    connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{found.schema}"."{found.name}"'.encode())
    statement = re.sub(r"\bINDEX\b", "INDEX CONCURRENTLY", found.remedy, count=1)
    connection.execute(statement.encode())


def summary(found: Mapping[Drift, str]) -> str:
    """Return one line on what was found and mended; `found` maps each difference to why it was not."""
    mended = sum(1 for reason in found.values() if not reason)
    return f"{len(found)} differences, {mended} mended, {len(found) - mended} left." if found else "No drift."
