"""Reads the catalog and says where reality differs from what the engine promises: the doctor's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from app.kit.clock import TOLERABLE, skew, utcnow
from tenants.history import tenant_head

PLACED = "placements have their schema"
CLOCKS = "clocks agree"
DURABLE = "what is committed survives a power cut"
_CARELESS = """
SELECT name, setting FROM pg_settings
WHERE (name IN ('fsync', 'full_page_writes') AND setting <> 'on') OR (name = 'synchronous_commit' AND setting = 'off')
UNION ALL
SELECT 'synchronous_commit of ' || coalesce(rolname, 'everybody'), 'off'
FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS one
WHERE lower(one) ~ '^synchronous_commit=(off|false|no|0)$'
"""
_FILE = Path(__file__).with_suffix(".sql")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    check: str
    where: str
    what: str


@cache
def checks() -> dict[str, str]:
    """Return the queries of `inspection.sql` by the name of their check."""
    parts = re.split(r"^-- check: (.+)$", _FILE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (query.strip().rstrip(";") for query in parts[2::2]), strict=True))


def inspect(connection: psycopg.Connection[Any], placed: Iterable[str]) -> list[Finding]:
    """Run every check on a connection that may read the catalog and control; return what is wrong.

    `placed` are the schemas of this database that tenants are placed in.
    """
    findings = []
    for check, query in checks().items():
        statement = query.replace("{head}", f"'{tenant_head()}'")
        findings += [Finding(check, where, what) for where, what in connection.execute(statement.encode())]
    return findings + _missing(connection, placed)


def durability(connection: psycopg.Connection[Any]) -> list[Finding]:
    """Return the settings, of the server or of a login, by which a confirmed write may be lost with the power."""
    return [Finding(DURABLE, name, f"is {setting}") for name, setting in connection.execute(_CARELESS)]


def clocks(connection: psycopg.Connection[Any]) -> list[Finding]:
    """Return by how much this machine's clock is wrong, measured by the database's."""
    asked = utcnow()
    ((told,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    ahead = skew(asked, told, utcnow())
    if abs(ahead) <= TOLERABLE:
        return []
    way = "ahead of" if ahead > 0 else "behind"
    return [Finding(CLOCKS, "this machine", f"is {abs(ahead):.0f} s {way} the database")]


def _missing(connection: psycopg.Connection[Any], placed: Iterable[str]) -> list[Finding]:
    there = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}
    return [Finding(PLACED, name, "does not exist") for name in sorted(set(placed) - there)]
