"""Making and dropping schemas of tenant tables. Runs as the migrator, never as the application's login.

A schema is one script in one transaction: role, schema, tables, walls, grants and version row commit together, so that
nothing half-made is ever left behind.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tenants.binding import SCHEMA_NAME
from tenants.bootstrap import APP, OWNER, TENANT, WORKER
from tenants.distributed import LOCAL_FIRST, ROLE_OPTIONS, bare, distribute
from tenants.errors import TenantIsolationError
from tenants.history import TENANT_HISTORY, History, fresh_script
from tenants.walls import ROLE_MARK

# The making of a schema waits this long for a lock on a role or a catalog (milliseconds).
LOCK_TIMEOUT = 1000

_SET_VERSION = """
    INSERT INTO control.schema_version (database, schema_name, revision) VALUES ('{database}', '{schema}', '{revision}')
    ON CONFLICT (database, schema_name) DO UPDATE SET revision = excluded.revision, migrated_at = excluded.migrated_at
"""
_DROP_VERSION = (
    "DELETE FROM control.schema_work WHERE database = '{database}' AND schema_name = '{schema}'",
    "DELETE FROM control.schema_version WHERE database = '{database}' AND schema_name = '{schema}'",
)
_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@contextlib.contextmanager
def migrator(url: str, **settings: int | str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection of the migrator in autocommit mode; scripts carry their own BEGIN and COMMIT.

    `settings` hold for the whole connection, for statements that cannot be in a transaction. No pool ever gets it.
    """
    more: dict[str, Any] = {"options": " ".join(f"-c {name}={value}" for name, value in settings.items())}
    with psycopg.connect(url, autocommit=True, prepare_threshold=None, **(more if settings else {})) as connection:
        yield connection


def create_schema(
    connection: psycopg.Connection[Any],
    name: str,
    *,
    database: str = "main",
    history: History = TENANT_HISTORY,
    distributed: bool = False,
) -> None:
    """Make the pool or dedicated schema `name` with its role at the head of the tenant history.

    Does nothing when it exists. `distributed` hands a dedicated one to Citus. Raises TenantIsolationError for a name
    that is not of the registry's pattern.
    """
    check_name(name)
    if exists(connection, name):
        return
    script = _Script(
        name,
        database,
        modern=connection.info.server_version >= 160000,
        # Roles are shared by all databases of a server: another Terrace there may have made the pool's role.
        with_role=not role_exists(connection, name),
        distributed=distributed and name.startswith("t_"),
    )
    if not script.distributed:
        connection.execute(script.text(history))
        return
    try:
        connection.execute(script.text(history, last=()))
        distribute(connection, name)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def create_script(
    name: str, *, database: str = "main", modern: bool = True, history: History = TENANT_HISTORY
) -> bytes:
    """Return the whole script that makes schema `name`, for one round trip."""
    check_name(name)
    return _Script(name, database, modern=modern).text(history)


@dataclass(frozen=True, slots=True)
class _Script:
    name: str
    database: str = "main"
    modern: bool = True
    with_role: bool = True
    distributed: bool = False

    def text(self, history: History, *, last: tuple[str, ...] = ("COMMIT",)) -> bytes:
        _check_database(self.database)
        name, closed = self.name, " WITH INHERIT FALSE, SET TRUE" if self.modern else ""
        statements = [
            "BEGIN",
            f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}",
            *([LOCAL_FIRST] if self.distributed else []),
            *([f'CREATE ROLE "{name}" {ROLE_OPTIONS if self.distributed else "NOLOGIN"}'] if self.with_role else []),
            f'GRANT {TENANT} TO "{name}"',
            f'GRANT "{name}" TO {APP}{closed}',
            f'GRANT "{name}" TO {WORKER}{closed}',
            f"SET LOCAL ROLE {OWNER}",
            f'CREATE SCHEMA "{name}"',
            f'GRANT USAGE ON SCHEMA "{name}" TO "{name}"',
            f'SET LOCAL search_path = "{name}", pg_temp',
            *self._tables(fresh_script(history)),
            _SET_VERSION.format(database=self.database, schema=name, revision=history.head),
            *last,
        ]
        return "; ".join(statements).encode()

    def _tables(self, statements: tuple[str, ...]) -> list[str]:
        own = [statement.replace(ROLE_MARK, f'"{self.name}"') for statement in statements]
        return [bare(statement) for statement in own] if self.distributed else own


def drop_schema(connection: psycopg.Connection[Any], name: str, *, database: str = "main") -> None:
    """Remove a dedicated schema with all it holds, its role and its version row; does nothing when it is gone.

    Raises TenantIsolationError for a pool, which holds many tenants.
    """
    check_name(name)
    _check_database(database)
    if not name.startswith("t_"):
        raise TenantIsolationError("a pool is never dropped")
    script = [
        "BEGIN",
        f"SET LOCAL ROLE {OWNER}",
        f'DROP SCHEMA IF EXISTS "{name}" CASCADE',
        *(line.format(database=database, schema=name) for line in _DROP_VERSION),
        "SET LOCAL ROLE NONE",
        *([f'DROP ROLE "{name}"'] if role_exists(connection, name) else []),
        "COMMIT",
    ]
    connection.execute("; ".join(script).encode())


def exists(connection: psycopg.Connection[Any], name: str) -> bool:
    """Say whether schema `name` exists."""
    return connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,)).fetchone() is not None


def role_exists(connection: psycopg.Connection[Any], name: str) -> bool:
    """Say whether role `name` exists."""
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None


def check_name(name: str) -> None:
    """Raise TenantIsolationError for a schema name that is not of the registry's pattern."""
    if not SCHEMA_NAME.fullmatch(name):
        raise TenantIsolationError("the schema name is not of the registry's pattern")


def _check_database(name: str) -> None:
    if not _DATABASE_NAME.fullmatch(name):
        raise TenantIsolationError("the database name is not of the registry's pattern")
