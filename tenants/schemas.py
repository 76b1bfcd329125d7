"""Making, upgrading and dropping schemas of tenant tables. Runs as the migrator, never as the application's login.

A schema is one script in one transaction: role, schema, tables, walls, grants and version row commit together, so that
nothing half-made is ever left behind.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import psycopg

from tenants.binding import SCHEMA_NAME
from tenants.bootstrap import APP, OWNER, TENANT, WORKER
from tenants.errors import TenantIsolationError
from tenants.history import BASE, render, tenant_head
from tenants.walls import ROLE_MARK

# A migration waits this long for a lock, then gives way to the traffic it would block (milliseconds).
LOCK_TIMEOUT = 1000

_SET_VERSION = """
    INSERT INTO control.schema_version (database, schema_name, revision) VALUES ('{database}', '{schema}', '{revision}')
    ON CONFLICT (database, schema_name) DO UPDATE SET revision = excluded.revision, migrated_at = excluded.migrated_at
"""
_DROP_VERSION = "DELETE FROM control.schema_version WHERE database = '{database}' AND schema_name = '{schema}'"
_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@contextlib.contextmanager
def migrator(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection of the migrator in autocommit mode; scripts carry their own BEGIN and COMMIT."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def create_schema(connection: psycopg.Connection[Any], name: str, *, database: str = "main") -> None:
    """Make the pool or dedicated schema `name` with its role at the head of the tenant history.

    Does nothing when it exists. Raises TenantIsolationError for a name that is not of the registry's pattern.
    """
    _check(name)
    if exists(connection, name):
        return
    modern = connection.info.server_version >= 160000
    # Roles are shared by all databases of a server: another Terrace there may have made the pool's role.
    with_role = not role_exists(connection, name)
    connection.execute(create_script(name, database=database, modern=modern, with_role=with_role))


def create_script(name: str, *, database: str = "main", modern: bool = True, with_role: bool = True) -> bytes:
    """Return the whole script that makes schema `name`, for one round trip."""
    _check(name)
    _check_database(database)
    closed = " WITH INHERIT FALSE, SET TRUE" if modern else ""
    statements = [
        "BEGIN",
        f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}",
        *([f'CREATE ROLE "{name}" NOLOGIN'] if with_role else []),
        f'GRANT {TENANT} TO "{name}"',
        f'GRANT "{name}" TO {APP}{closed}',
        f'GRANT "{name}" TO {WORKER}{closed}',
        f"SET LOCAL ROLE {OWNER}",
        f'CREATE SCHEMA "{name}"',
        f'GRANT USAGE ON SCHEMA "{name}" TO "{name}"',
        f'SET LOCAL search_path = "{name}", pg_temp',
        *_for_role(render(BASE), name),
        _SET_VERSION.format(database=database, schema=name, revision=tenant_head()),
        "COMMIT",
    ]
    return "; ".join(statements).encode()


def upgrade_schema(connection: psycopg.Connection[Any], name: str, revision: str, *, database: str = "main") -> bool:
    """Bring schema `name` from `revision` to the head; DDL and version row commit together. Return whether it moved.

    Raises psycopg.errors.LockNotAvailable when traffic holds a table; nothing has changed then.
    """
    _check(name)
    _check_database(database)
    steps = render(revision)
    if not steps:
        return False
    statements = [
        "BEGIN",
        f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}",
        f"SET LOCAL ROLE {OWNER}",
        f'SET LOCAL search_path = "{name}", pg_temp',
        *_for_role(steps, name),
        _SET_VERSION.format(database=database, schema=name, revision=tenant_head()),
        "COMMIT",
    ]
    try:
        connection.execute("; ".join(statements).encode())
    except psycopg.Error:
        connection.rollback()
        raise
    return True


def drop_schema(connection: psycopg.Connection[Any], name: str, *, database: str = "main") -> None:
    """Remove a dedicated schema with all it holds, its role and its version row; does nothing when it is gone.

    Raises TenantIsolationError for a pool, which holds many tenants.
    """
    _check(name)
    _check_database(database)
    if not name.startswith("t_"):
        raise TenantIsolationError("a pool is never dropped")
    script = [
        "BEGIN",
        f"SET LOCAL ROLE {OWNER}",
        f'DROP SCHEMA IF EXISTS "{name}" CASCADE',
        _DROP_VERSION.format(database=database, schema=name),
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


def versions(connection: psycopg.Connection[Any], *, database: str = "main") -> dict[str, str]:
    """Return `{schema: revision}` of every schema of `database`, pools first."""
    connection.execute("BEGIN")
    connection.execute(f"SET LOCAL ROLE {OWNER}".encode())
    rows = connection.execute(
        "SELECT schema_name, revision FROM control.schema_version WHERE database = %s ORDER BY schema_name", (database,)
    ).fetchall()
    connection.execute("COMMIT")
    return {name: revision for name, revision in rows}  # noqa: C416


def _for_role(statements: tuple[str, ...], role: str) -> list[str]:
    return [statement.replace(ROLE_MARK, f'"{role}"') for statement in statements]


def _check(name: str) -> None:
    if not SCHEMA_NAME.fullmatch(name):
        raise TenantIsolationError("the schema name is not of the registry's pattern")


def _check_database(name: str) -> None:
    if not _DATABASE_NAME.fullmatch(name):
        raise TenantIsolationError("the database name is not of the registry's pattern")
