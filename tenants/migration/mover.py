"""Brings one schema after the other to the head, patient with the traffic on its tables. One for each thread."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self
from uuid import UUID

import psycopg

from tenants.migration.ddl import revision_of, run_step
from tenants.migration.declared import Batch, ConcurrentIndex, Work
from tenants.migration.lanes import INDEX_LOCK_TIMEOUT, Left, build_index, run_batch, waiting
from tenants.migration.options import Options
from tenants.migration.plan import Plan, Target
from tenants.schemas import migrator

# What the traffic may do to us; nothing has changed then, so it is tried again.
_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_LONGEST_PAUSE = 2.0

_TENANTS = """
    SELECT tenant_id FROM control.placement
    WHERE database = %s AND schema_name = %s AND (%s::uuid IS NULL OR tenant_id > %s::uuid) ORDER BY tenant_id
"""


class GaveUp(Exception):
    """A schema could not be moved; the message says why, in words for an operator."""


class Mover:
    """A worker of a run, with a connection to each database it meets."""

    def __init__(self, urls: Mapping[str, str], plan: Plan, options: Options, stop: Callable[[], bool]) -> None:
        """Connect to nothing yet."""
        self._urls = urls
        self._plan = plan
        self._options = options
        self._stop = stop
        self._open = contextlib.ExitStack()
        self._connections: dict[tuple[str, bool], psycopg.Connection[Any]] = {}
        self._declared = {(step.revision, work.name): work for step in plan.steps.values() for work in step.work}
        self.attempts = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        self._open.close()

    def bring_to_head(self, target: Target) -> bool:
        """Move the schema to the head and do what is left to do; return False when told to stop on the way.

        Raises GaveUp.
        """
        self.attempts = 0
        try:
            try:
                return self._bring(target)
            except psycopg.OperationalError:
                if not self._lost_connections():
                    raise
                # Where it stands is read again, so it does not matter whether the lost statement took effect.
                return self._bring(target)
        except psycopg.Error as error:
            raise GaveUp(f"{type(error).__name__}: {error.diag.message_primary or 'no detail'}") from error

    def _lost_connections(self) -> bool:
        """Forget the connections that the server closed; return whether there were any."""
        lost = [key for key, connection in self._connections.items() if connection.closed]
        for key in lost:
            del self._connections[key]
        return bool(lost)

    def _bring(self, target: Target) -> bool:
        connection = self._connection(target.database)
        while not self._stop():
            for revision, name in waiting(connection, target.database, target.schema):
                left = Left(target.database, target.schema, revision, self._work(revision, name))
                if not self._patiently(partial(self._do, left)):
                    return False
            step = self._plan.steps.get(revision_of(connection, target.database, target.schema) or "")
            if step is None:
                # At the head, or gone: a tenant whose making failed is taken back at any time.
                return True
            self._patiently(partial(run_step, connection, target.database, target.schema, step, self._options))
        return False

    def _work(self, revision: str, name: str) -> Work:
        try:
            return self._declared[revision, name]
        except KeyError:
            raise GaveUp(f"revision {revision} no longer declares {name}, which was begun") from None

    def _do(self, left: Left) -> bool:
        if isinstance(left.work, ConcurrentIndex):
            build_index(self._connection(left.database, patient=True), left)
            return True
        assert isinstance(left.work, Batch)  # noqa: S101
        tenants = partial(self._tenants, left.database, left.schema)
        return run_batch(self._connection(left.database), left, tenants, self._options, self._stop)

    def _tenants(self, database: str, schema: str, after: UUID | None) -> list[UUID]:
        if "main" not in self._urls:
            raise GaveUp("rows are changed tenant by tenant, and only the main database knows the tenants")
        rows = self._connection("main").execute(_TENANTS.encode(), (database, schema, after, after))
        return [tenant_id for (tenant_id,) in rows]

    def _patiently(self, act: Callable[[], bool]) -> bool:
        for attempt in range(1, self._options.lock_tries + 1):
            self.attempts += 1
            try:
                return act()
            except _BUSY:
                # Give the traffic that holds the table time to end, a little longer each time.
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2**attempt)))  # noqa: S311
        raise GaveUp("a lock on one of its tables was never free")

    def _connection(self, database: str, *, patient: bool = False) -> psycopg.Connection[Any]:
        """Return the connection to `database`; the `patient` one is for indexes, which take no transaction."""
        key = database, patient
        if key not in self._connections:
            settings = {"lock_timeout": INDEX_LOCK_TIMEOUT} if patient else {}
            opened = migrator(self._urls[database], **settings)
            self._connections[key] = self._open.enter_context(opened)
        return self._connections[key]
