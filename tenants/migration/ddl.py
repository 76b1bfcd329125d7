"""One revision in one schema: DDL, version row and what is left to do, in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from tenants.bootstrap import OWNER
from tenants.migration.declared import ConcurrentIndex
from tenants.migration.options import Options
from tenants.migration.plan import Step
from tenants.schemas import check_name
from tenants.walls import ROLE_MARK

_VERSION = "SELECT revision FROM control.schema_version WHERE database = %s AND schema_name = %s"
_SET_VERSION = """
    UPDATE control.schema_version SET revision = %s, migrated_at = now() WHERE database = %s AND schema_name = %s
"""
_ADD_WORK = """
    INSERT INTO control.schema_work (database, schema_name, revision, name, position, kind)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


def opening(schema: str, options: Options, *, tenant_id: object = None) -> bytes:
    """Return the string that opens a transaction of the owner in `schema`."""
    check_name(schema)
    tenant = [f"SET LOCAL app.tenant_id = '{tenant_id}'"] if tenant_id else []
    return "; ".join(
        [
            "BEGIN",
            f"SET LOCAL ROLE {OWNER}",
            f'SET LOCAL search_path = "{schema}", pg_temp',
            *tenant,
            f"SET LOCAL lock_timeout = {options.lock_timeout}",
            f"SET LOCAL statement_timeout = {options.statement_timeout}",
        ]
    ).encode()


@contextlib.contextmanager
def transaction(
    connection: psycopg.Connection[Any], schema: str, options: Options, *, tenant_id: object = None
) -> Iterator[None]:
    """Open such a transaction; commit it, or roll it back when something is raised."""
    connection.execute(opening(schema, options, tenant_id=tenant_id))
    try:
        yield
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def revision_of(connection: psycopg.Connection[Any], database: str, schema: str, *, lock: bool = False) -> str | None:
    """Return the revision a schema stands at, or None when it is gone."""
    statement = _VERSION + (" FOR UPDATE" if lock else "")
    row = connection.execute(statement.encode(), (database, schema)).fetchone()
    return None if row is None else str(row[0])


def run_step(connection: psycopg.Connection[Any], database: str, schema: str, step: Step, options: Options) -> bool:
    """Take `schema` one revision further; return False when somebody else has moved or removed it meanwhile.

    Raises psycopg.Error; nothing has changed then.
    """
    with transaction(connection, schema, options):
        # The row is locked, so that two runs, or a run and a removal, come one after the other.
        if revision_of(connection, database, schema, lock=True) != step.before:
            return False
        if step.statements:
            script = "; ".join(step.statements).replace(ROLE_MARK, f'"{schema}"')
            connection.execute(script.encode())
        connection.execute(_SET_VERSION.encode(), (step.revision, database, schema))
        for position, work in enumerate(step.work):
            kind = "index" if isinstance(work, ConcurrentIndex) else "batch"
            connection.execute(_ADD_WORK.encode(), (database, schema, step.revision, work.name, position, kind))
    return True
