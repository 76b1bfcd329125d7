"""Bring the whole installation to the head of both histories: control and desk, pools, dedicated schemas, spares."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tenants.bootstrap import OWNER
from tenants.databases import sqlalchemy_url
from tenants.history import tenant_head, upgrade_control
from tenants.schemas import create_schema, migrator, upgrade_schema, versions

LOCK_TRIES = 8


@dataclass(slots=True)
class Report:
    """What a run did: schemas that moved, stayed, and failed with a reason."""

    head: str
    moved: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def migrate_all(
    admin_url: str, *, pools: int, database: str = "main", say: Callable[[str], None] = lambda line: None
) -> Report:
    """Migrate one database whole; missing pools are made. Safe to run again after any interruption."""
    _migrate_control(admin_url)
    with migrator(admin_url) as connection:
        for number in range(1, pools + 1):
            create_schema(connection, f"pool_{number:02d}", database=database)
        report = Report(tenant_head())
        for name, revision in versions(connection, database=database).items():
            _migrate_one(connection, name, revision, report, say)
    return report


def _migrate_control(admin_url: str) -> None:
    engine = create_engine(sqlalchemy_url(admin_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS control"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS desk"))
        upgrade_control(connection)


def _migrate_one(
    connection: psycopg.Connection[Any], name: str, revision: str, report: Report, say: Callable[[str], None]
) -> None:
    if revision == report.head:
        report.unchanged += 1
        return
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            upgrade_schema(connection, name, revision)
        except psycopg.errors.LockNotAvailable:
            # Give the traffic that holds the table time to end, a little longer each time.
            time.sleep(random.uniform(0, 0.2 * attempt))  # noqa: S311
        except psycopg.Error as error:
            report.failed[name] = f"{type(error).__name__}: {error.diag.message_primary or 'no detail'}"
            return
        else:
            report.moved.append(name)
            say(f"{name}  {revision} → {report.head}")
            return
    report.failed[name] = "a lock on one of its tables was never free"
