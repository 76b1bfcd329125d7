"""The lanes beside the DDL transaction: indexes built concurrently, and rows changed page by page.

Both may be cut off at any moment. An index that was cut off is INVALID: it is dropped and built again. A page and the
place it reached commit together, so no row is changed twice and none is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from tenants.migration.ddl import transaction
from tenants.migration.declared import Batch, ConcurrentIndex, Work
from tenants.migration.options import Options
from tenants.schemas import check_name

# Building concurrently waits for older transactions but holds nobody up, so it may wait for long (milliseconds).
INDEX_LOCK_TIMEOUT = 60_000
# A page has rows to write; it is given more than a change of the catalog.
_PAGE_TIMEOUT = 30_000

_WAITING = """
    SELECT revision, name FROM control.schema_work
    WHERE database = %s AND schema_name = %s AND state = 'waiting' ORDER BY revision, position
"""
_DONE = """
    UPDATE control.schema_work SET state = 'done'
    WHERE database = %s AND schema_name = %s AND revision = %s AND name = %s
"""
_PLACE = """
    SELECT at_tenant, at_row FROM control.schema_work
    WHERE database = %s AND schema_name = %s AND revision = %s AND name = %s AND state = 'waiting'
"""
_ADVANCE = """
    UPDATE control.schema_work
    SET at_tenant = %s, at_row = %s, rows_seen = rows_seen + %s, rows_changed = rows_changed + %s
    WHERE database = %s AND schema_name = %s AND revision = %s AND name = %s
      AND at_tenant IS NOT DISTINCT FROM %s AND at_row IS NOT DISTINCT FROM %s
"""
_PAGE = """
    WITH page AS MATERIALIZED (
        SELECT id FROM {table} WHERE tenant_id = %(tenant)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
        ORDER BY id LIMIT %(size)s
    ), changed AS (
        UPDATE {table} SET {assign} WHERE tenant_id = %(tenant)s AND id IN (SELECT id FROM page) AND ({where})
        RETURNING id
    )
    SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM changed), (SELECT id FROM page ORDER BY id DESC LIMIT 1)
"""
_IS_VALID = """
    SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s
"""

# `(after) → ids`: the tenants with a place in the schema, in the order of their ids.
Tenants = Callable[[UUID | None], list[UUID]]


@dataclass(frozen=True, slots=True)
class Left:
    """Work that a revision left in one schema."""

    database: str
    schema: str
    revision: str
    work: Work

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key of its row."""
        return self.database, self.schema, self.revision, self.work.name


def waiting(connection: psycopg.Connection[Any], database: str, schema: str) -> list[tuple[str, str]]:
    """Return revision and name of what is left to do in a schema, in order."""
    return connection.execute(_WAITING.encode(), (database, schema)).fetchall()


def build_index(connection: psycopg.Connection[Any], left: Left) -> None:
    """Build the index unless it is there and valid. `connection` is one with `INDEX_LOCK_TIMEOUT`.

    Raises psycopg.Error; what is half-built then is dropped at the next try.
    """
    assert isinstance(left.work, ConcurrentIndex)  # noqa: S101
    check_name(left.schema)
    found = connection.execute(_IS_VALID.encode(), (left.schema, left.work.name)).fetchone()
    if found == (False,):
        connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{left.schema}".{left.work.name}'.encode())
    if found != (True,):
        connection.execute(left.work.statement(left.schema).encode())
    connection.execute(_DONE.encode(), left.key)


def run_batch(
    connection: psycopg.Connection[Any], left: Left, tenants: Tenants, options: Options, stop: Callable[[], bool]
) -> bool:
    """Change the rows page by page from where the last run came to; return False when told to stop before the end."""
    row = connection.execute(_PLACE.encode(), left.key).fetchone()
    if row is None:
        return True
    at_tenant, at_row = row
    if at_tenant is not None:
        at_tenant, at_row = _through(connection, left, (at_tenant, at_row), at_tenant, options, stop)
    while not stop():
        # Asked again until nobody is new, so that tenants who came meanwhile are served as well.
        found = tenants(at_tenant)
        if not found:
            connection.execute(_DONE.encode(), left.key)
            return True
        for tenant in found:
            at_tenant, at_row = _through(connection, left, (at_tenant, at_row), tenant, options, stop)
            if stop():
                return False
    return False


def _through(
    connection: psycopg.Connection[Any],
    left: Left,
    place: tuple[UUID | None, UUID | None],
    tenant: UUID,
    options: Options,
    stop: Callable[[], bool],
) -> tuple[UUID | None, UUID | None]:
    """Go through one tenant's rows from `place`; return the place reached."""
    assert isinstance(left.work, Batch)  # noqa: S101
    for seen, reached in _pages(connection, left, place, tenant, options):
        if seen < left.work.size or stop():
            return reached
    return place


def _pages(
    connection: psycopg.Connection[Any],
    left: Left,
    place: tuple[UUID | None, UUID | None],
    tenant: UUID,
    options: Options,
) -> Iterator[tuple[int, tuple[UUID | None, UUID | None]]]:
    assert isinstance(left.work, Batch)  # noqa: S101
    batch, patient = left.work, replace(options, statement_timeout=_PAGE_TIMEOUT)
    page = _PAGE.format(table=batch.table, assign=batch.assign, where=batch.where)
    while True:
        started = time.monotonic()
        after = place[1] if place[0] == tenant else None
        with transaction(connection, left.schema, patient, tenant_id=tenant):
            wanted = {"tenant": tenant, "after": after, "size": batch.size}
            seen, changed, last = connection.execute(page.encode(), wanted).fetchone() or (0, 0, None)
            reached = (tenant, last or after)
            moved = connection.execute(_ADVANCE.encode(), (*reached, seen, changed, *left.key, *place))
            if moved.rowcount != 1:
                raise psycopg.errors.SerializationFailure("another run is at work on these rows")
        place = reached
        yield seen, place
        time.sleep(batch.rest * (time.monotonic() - started))
