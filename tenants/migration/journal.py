"""What a run writes down about itself in `control`, so that it can be read while it works and after it was killed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from app.kit.ids import new_id
from tenants.migration.options import Watch
from tenants.migration.plan import Target
from tenants.schemas import migrator

# Any number will do, as long as nothing else in the main database takes the same transaction-level lock.
_LOCK = 0x7E44ACE
_LOOK_EVERY = 0.5

_TAKE = f"SELECT pg_try_advisory_xact_lock({_LOCK})"
_BEGIN = """
    INSERT INTO control.migration_run (id, state, target, planned, reason, started_at)
    VALUES (%s, 'running', %s, 0, '', now())
"""
_PLAN_STEP = """
    INSERT INTO control.migration_step
        (run_id, database, schema_name, wave, state, attempts, from_revision, to_revision, reason)
    VALUES (%s, %s, %s, %s, 'waiting', 0, %s, %s, '') ON CONFLICT DO NOTHING
"""
_STEP = """
    UPDATE control.migration_step SET state = %s, attempts = %s, seconds = %s, reason = %s
    WHERE run_id = %s AND database = %s AND schema_name = %s
"""
# Only the one run that holds the lock is alive; every other that says so was killed.
_BURY_STEPS = "UPDATE control.migration_step SET state = 'interrupted' WHERE state = 'running'"
_BURY_RUNS = """
    UPDATE control.migration_run SET state = 'interrupted', reason = 'the process ended', finished_at = now()
    WHERE state = 'running'
"""


class AnotherRun(Exception):
    """Another run has been at work for longer than this one would wait."""


@contextlib.contextmanager
def alone(url: str, *, patience: float, watch: Watch) -> Iterator[None]:
    """Hold the right to migrate: one process at a time, let go by the server when the process dies.

    The lock lives in a transaction that reads nothing, so it holds up neither vacuum nor an index built concurrently.
    Raises AnotherRun.
    """
    until = time.monotonic() + patience
    with migrator(url, idle_in_transaction_session_timeout=0) as connection:
        connection.execute("BEGIN")
        while connection.execute(_TAKE.encode()).fetchone() != (True,):
            if time.monotonic() > until:
                raise AnotherRun("Another run of the migrations is still at work; wait for it, or end its process.")
            watch.waiting("another run of the migrations")
            time.sleep(_LOOK_EVERY)
        yield
        connection.execute("COMMIT")


class Journal:
    """The rows of one run."""

    def __init__(self, connection: psycopg.Connection[Any], head: str) -> None:
        """Begin a run, after marking those that were killed."""
        self._connection = connection
        self._lock = threading.Lock()
        self._head = head
        self.run_id = new_id()
        for statement in (_BURY_STEPS, _BURY_RUNS):
            connection.execute(statement.encode())
        connection.execute(_BEGIN.encode(), (self.run_id, head))

    def planned(self, wave: int, targets: Iterable[Target]) -> None:
        """Write down what is meant to move."""
        rows = [(self.run_id, t.database, t.schema, wave, t.revision, self._head) for t in targets]
        with self._lock, self._connection.cursor() as cursor:
            cursor.executemany(_PLAN_STEP.encode(), rows)
            cursor.execute(
                b"UPDATE control.migration_run SET planned = planned + %s WHERE id = %s", (len(rows), self.run_id)
            )

    def step(
        self, target: Target, state: str, *, attempts: int = 0, seconds: float | None = None, reason: str = ""
    ) -> None:
        """Write down how far a schema is."""
        values = (state, attempts, seconds, reason, self.run_id, target.database, target.schema)
        with self._lock:
            self._connection.execute(_STEP.encode(), values)

    def end(self, state: str, reason: str = "") -> None:
        """Write down how the run ended."""
        with self._lock:
            self._connection.execute(
                b"UPDATE control.migration_run SET state = %s, reason = %s, finished_at = now() WHERE id = %s",
                (state, reason, self.run_id),
            )


@contextlib.contextmanager
def journal(url: str, head: str) -> Iterator[Journal]:
    """Open the journal of a new run.

    Its rows need not survive a crash of the server, whose version rows are the truth; so nobody waits for its disk.
    """
    with migrator(url, synchronous_commit="off") as connection:
        yield Journal(connection, head)
