"""A running job as its function sees it: progress, cancellation, and transactions that a late worker cannot commit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.kit.clock import utcnow
from app.kit.jobs import ledger
from app.kit.jobs.interrupts import Cancelled, Interrupted, LeaseLost
from app.kit.jobs.registry import JobSpec
from tenants.binding import Binding
from tenants.context import Actor, Ctx
from tenants.errors import TenantIsolationError
from tenants.sessions import TenantSession
from tenants.tenant import Tenant

if TYPE_CHECKING:
    from tenants.runtime import Runtime

# Progress is written at most this often (seconds); more would cost a transaction for every row of an import.
PACE = 0.2
# A job that says nothing for this long inside a transaction loses it before its lease ends, and with it its locks.
IDLE_MS = 15_000
LONGEST_STATEMENT_MS = 300_000


class Work:
    """The handle of one claimed job. All of it may be used from the job's own thread only."""

    def __init__(self, runtime: Runtime, claim: ledger.Claim, spec: JobSpec, tenant: Tenant | None) -> None:
        self._runtime = runtime
        self._claim = claim
        self._spec = spec
        self._tenant = tenant
        self._written_at = 0.0
        # Set by the heartbeat; seen at the next check.
        self.interrupt: type[Interrupted] | None = None

    @property
    def job_id(self) -> UUID:
        """The id of the job in the ledger."""
        return self._claim.id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._claim.attempt

    @property
    def request_id(self) -> str:
        """The request that asked for this work."""
        return self._claim.request_id

    @property
    def tenant(self) -> Tenant:
        """The tenant the job belongs to.

        Raises TenantIsolationError for a job of the platform.
        """
        if self._tenant is None:
            raise TenantIsolationError("a platform job has no tenant")
        return self._tenant

    @property
    def actor(self) -> Actor:
        """Who the job acts for; the right to it was checked when it was asked for."""
        return Actor(
            kind="job",
            id=self._claim.actor_id,
            name=self._claim.actor_name or "Terrace",
            permissions=frozenset(self._runtime.permissions),
        )

    def check(self) -> None:
        """Raise Cancelled or LeaseLost when the job must stop; costs nothing, so call it often."""
        if self.interrupt is not None:
            raise self.interrupt

    def progress(self, fraction: float, step: str = "") -> None:
        """Say how far the work is (0 to 1) and what it is doing; too frequent calls are dropped.

        Raises Cancelled, LeaseLost.
        """
        self.check()
        if time.monotonic() - self._written_at >= PACE:
            self.beat(fraction, step or None)
            self.check()

    def beat(self, fraction: float | None = None, step: str | None = None) -> None:
        """Renew the lease in a short transaction of its own, and remember what came back."""
        self._written_at = time.monotonic()
        try:
            with self._runtime.platform(self._database) as session:
                now = ledger.database_now(session)
                wanted = ledger.beat(session, self._claim, now=now, progress=fraction, step=step)
        except LeaseLost:
            self.interrupt = LeaseLost
            return
        if wanted:
            self.interrupt = Cancelled

    @contextmanager
    def transaction(self) -> Iterator[Ctx]:
        """Open one transaction bound to the job's tenant; it commits only while the job is still ours.

        Raises Cancelled, LeaseLost.
        """
        self.check()
        with self.open_session() as session:
            yield self.context(session)
            ledger.hold(session, self._claim)
            session.commit()
            self._runtime.ring(session)

    def open_session(self) -> TenantSession:
        """Return a session bound to the job's tenant, with a job's limits instead of a request's."""
        binding: Binding = replace(
            self.tenant.binding,
            statement_timeout=min(self._spec.timeout * 1000, LONGEST_STATEMENT_MS),
            idle_timeout=IDLE_MS,
        )
        return TenantSession(self._runtime.databases.engine(self.tenant.database), binding)

    def context(self, session: TenantSession) -> Ctx:
        """Return the context of one transaction of this job."""
        return Ctx(self.tenant, self.actor, session, utcnow(), self.request_id, self._runtime)

    def finish(self, session: TenantSession, result: Mapping[str, Any] | None) -> None:
        """End the job well in the transaction of its effects.

        Raises LeaseLost.
        """
        ledger.finish(session, self._claim, result, now=ledger.database_now(session))

    @property
    def _database(self) -> str:
        return self._tenant.database if self._tenant else "main"
