"""Reads the catalog and says where reality differs from what the engine promises: the doctor's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tenants.history import tenant_head

PLACED = "placements have their schema"
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


def _missing(connection: psycopg.Connection[Any], placed: Iterable[str]) -> list[Finding]:
    there = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}
    return [Finding(PLACED, name, "does not exist") for name in sorted(set(placed) - there)]
