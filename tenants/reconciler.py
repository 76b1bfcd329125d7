"""Makes the ledger come true: takes jobs back from workers that are gone, and rings again for what is due."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from app.kit.jobs import ledger
from app.kit.jobs.registry import QUEUES
from tenants import fairness
from tenants.inspection import durability
from tenants.sessions import PlatformSession

if TYPE_CHECKING:
    from tenants.runtime import Runtime

log = logging.getLogger(__name__)

EVERY = 1.0
# A worker goes on by itself while its queue has work, so a few bells are enough for any backlog.
AT_ONCE = 4


class Reconciler:
    """Looks at the ledger once a second. Any number of them may run."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(self, stop: threading.Event) -> None:
        """Reconcile until `stop` is set; nothing that fails here ends the loop."""
        is_known = self._runtime.settings.env == "test"
        while not stop.wait(EVERY):
            try:
                is_known = is_known or self._warn_of_loss()
                self.tick()
            except SQLAlchemyError:
                log.exception("The ledger could not be looked at; it will be again")

    def tick(self) -> None:
        """Look once at every database."""
        for database in self._runtime.databases.names():
            with self._runtime.platform(database) as session:
                now = ledger.database_now(session)
                lost = ledger.expire(session, now=now)
                due = {queue: self._due(session, queue, now) for queue in QUEUES}
            if lost:
                log.warning("Jobs were taken back from workers that are gone", extra={"jobs": lost})
            for queue, candidates in due.items():
                for candidate in candidates[:AT_ONCE]:
                    self._runtime.bell.ring_job(queue, candidate.tenant_id, candidate.job_id)

    def _warn_of_loss(self) -> bool:
        """Say once, at the start, where a confirmed write may be lost with the power."""
        for database in self._runtime.databases.names():
            with self._runtime.platform(database) as session:
                driver: Any = session.connection().connection.dbapi_connection
                for finding in durability(driver):
                    told = {"database": database, "setting": finding.where, "value": finding.what}
                    log.error("A confirmed write may be lost in a power cut", extra=told)
        return True

    def _due(self, session: PlatformSession, queue: str, now: datetime) -> list[fairness.Candidate]:
        return fairness.next_jobs(session, self._runtime.resolver, queue, now=now)
