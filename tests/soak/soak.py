"""Many threads, few connections, fifty tenants, and everything that can go wrong on the way (DB-23).

Every read asks for all products that there are, without saying whose: the answer must be the one that this tenant has.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy import exc as sql_errors
from sqlalchemy.orm import Session
from typing_extensions import override

from tenants.errors import Unbound
from tenants.sessions import TenantSession
from tests.soak.estate import Holder

THREADS = 16
READS = 10
_LONG = text("SELECT count(*) FROM generate_series(1, 100000000)")
_STREAM = text("SELECT repeat('x', 1000) FROM generate_series(1, 300)")
# Within what is undone, so that a row of this name is one that was committed by somebody else.
_SPOIL = text("UPDATE product SET name = 'spoilt' WHERE sku = 'HL-1'")
# So long a statement that is to be interrupted runs at most (milliseconds), if nothing interrupts it.
_PATIENCE = 30
_EXPECTED = (psycopg.Error, sql_errors.DBAPIError, sql_errors.PendingRollbackError, sql_errors.TimeoutError, Unbound)


class Thrown(Exception):
    """What a view throws in the middle of its work."""


@dataclass
class Outcome:
    """What a soak saw."""

    seed: int
    checks: int = 0
    visits: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take in what another thread saw."""
        self.checks += other.checks
        self.visits += other.visits
        self.errors += other.errors
        self.mismatches += other.mismatches

    @override
    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.visits.items()))
        errors = ", ".join(f"{name} {count}" for name, count in sorted(self.errors.items()))
        return f"SOAK_SEED={self.seed}: {self.checks} checks; {kinds}; errors: {errors or 'none'}"


class Visitor:
    """One thread's walk through the tenants."""

    def __init__(self, number: int, seed: int, engine: Engine, holders: Sequence[Holder], above: Above | None) -> None:
        self.outcome = Outcome(seed)
        self._rng = random.Random(f"{seed}-{number}")
        self._engine, self._holders, self._above = engine, holders, above

    def run(self, checks: int) -> Outcome:
        """Visit tenants until `checks` reads were compared."""
        rough = self._rough()
        while self.outcome.checks < checks and len(self.outcome.mismatches) < 20:
            visit = self._rng.choice(rough) if self._above and self._rng.random() < 0.06 else self._calm
            self.outcome.visits[visit.__name__.strip("_")] += 1
            try:
                visit(self._rng.choice(self._holders))
            except Thrown:
                pass
            except _EXPECTED as error:
                self.outcome.errors[type(error).__name__] += 1
        return self.outcome

    def _rough(self) -> Sequence[Callable[[Holder], None]]:
        return (self._throws, self._commits_between, self._fails, self._times_out, self._is_cancelled, self._is_killed,
                self._disconnects, self._leaves_work_open, self._leaves_half_read, self._returns_dirty)  # fmt: skip

    def _session(self, holder: Holder, *, statement_timeout: int = 5000) -> TenantSession:
        return TenantSession(self._engine, replace(holder.binding, statement_timeout=statement_timeout))

    def _look(self, session: Session, holder: Holder, times: int = 1) -> None:
        """Read everything and compare it; the connection is asked for anew each time, as code does."""
        for _ in range(times):
            found = [name for (name,) in session.connection().exec_driver_sql("SELECT name FROM product")]
            self.outcome.checks += 1
            if found != [holder.canary]:
                self.outcome.mismatches.append(f"{holder.binding.schema} {holder.canary}: {found}")

    def _calm(self, holder: Holder) -> None:
        with self._session(holder) as session:
            self._look(session, holder, READS)
            session.commit()

    def _throws(self, holder: Holder) -> None:
        with self._session(holder) as session:
            self._look(session, holder)
            session.connection().execute(_SPOIL)
            raise Thrown

    def _commits_between(self, holder: Holder) -> None:
        with self._session(holder) as session:
            for end in (session.commit, session.rollback, lambda: session.begin_nested().rollback(), session.commit):
                self._look(session, holder)
                end()
                self._look(session, holder)

    def _fails(self, holder: Holder) -> None:
        with self._session(holder) as session:
            self._look(session, holder)
            session.execute(text("SELECT 1 / 0"))

    def _times_out(self, holder: Holder) -> None:
        with self._session(holder, statement_timeout=3) as session:
            session.execute(_LONG)

    def _is_cancelled(self, holder: Holder) -> None:
        """The cancel comes when it comes: before, during or after the statement, or in the next visitor's."""
        assert self._above
        with self._session(holder, statement_timeout=_PATIENCE) as session:
            self._look(session, holder)
            self._above.cancel(_driver(session))
            session.execute(_LONG)

    def _is_killed(self, holder: Holder) -> None:
        assert self._above
        with self._session(holder, statement_timeout=_PATIENCE) as session:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            self._above.kill(int(pid))
            session.execute(_LONG)

    def _disconnects(self, holder: Holder) -> None:
        with self._session(holder) as session:
            self._look(session, holder)
            _driver(session).close()
            self._look(session, holder)

    def _leaves_work_open(self, holder: Holder) -> None:
        """Go away without closing anything; the next user of the connection must not commit what was done."""
        with self._engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            driver.execute(holder.binding.sql)
            driver.execute(_SPOIL.text)

    def _leaves_half_read(self, holder: Holder) -> None:
        with self._session(holder) as session:
            rows = session.execute(_STREAM, execution_options={"stream_results": True, "yield_per": 10})
            next(rows)
            raise Thrown

    def _returns_dirty(self, holder: Holder) -> None:
        """Break the transaction behind the session's back."""
        with self._session(holder) as session:
            self._look(session, holder)
            with _driver(session).cursor() as cursor:
                try:
                    cursor.execute("SELECT 'no number'::int")
                except psycopg.Error as error:
                    raise Thrown from error


class Above:
    """Who cancels statements and kills backends, from threads of its own."""

    def __init__(self, superuser_url: str, threads: Executor) -> None:
        self._connection = psycopg.connect(superuser_url, autocommit=True)
        self._lock = threading.Lock()
        self._threads = threads

    def cancel(self, driver: psycopg.Connection[Any]) -> None:
        """Ask the server to cancel what runs on the driver's connection by then."""
        self._threads.submit(driver.cancel_safe, timeout=5)

    def kill(self, pid: int) -> None:
        """End a backend."""
        with self._lock:
            self._connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def soak(
    engine: Engine,
    holders: Sequence[Holder],
    *,
    checks: int,
    seed: int,
    superuser_url: str = "",
    threads: int = THREADS,
) -> Outcome:
    """Let `threads` visitors compare `checks` reads in all; with `superuser_url` one visit in sixteen goes wrong."""
    total = Outcome(seed)
    with ThreadPoolExecutor(threads) as visitors, ThreadPoolExecutor(2) as cancellers:
        above = Above(superuser_url, cancellers) if superuser_url else None
        walks = [
            visitors.submit(Visitor(number, seed, engine, holders, above).run, -(-checks // threads))
            for number in range(threads)
        ]
        for walk in walks:
            total.add(walk.result())
        if above:
            cancellers.shutdown()
            above.close()
    return total


def _driver(session: Session) -> psycopg.Connection[Any]:
    driver = session.connection().connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
