"""Runs jobs: check the bell's envelope, claim fairly, bind the tenant or refuse, run, end in the same transaction."""

from __future__ import annotations

import logging
import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.kit.db import PLATFORM_ID
from app.kit.desk import Job
from app.kit.jobs import ledger
from app.kit.jobs.envelope import Envelope, ForgedEnvelope, Sealer
from app.kit.jobs.interrupts import Cancelled, Interrupted, LeaseLost, Stopped, TimedOut
from app.kit.jobs.ledger import Claim
from app.kit.jobs.registry import URGENT, JobSpec
from config.logging import bind_log_fields, reset_log_fields
from tenants import fairness
from tenants.confines import lift_memory_limit
from tenants.errors import NoSuchTenant, TenantIsolationError
from tenants.heartbeat import beating, stoppable
from tenants.tenant import Tenant
from tenants.verdicts import is_final, problem_of
from tenants.work import Work

if TYPE_CHECKING:
    from tenants.runtime import Runtime

log = logging.getLogger(__name__)

# One ring may run several jobs, which saves a fork for each, but not for longer than another queue may wait (seconds).
SHIFT = 1.0
# How soon to look again at a job whose tenant is still being made.
NOT_YET = 1.0


class Runner:
    """Takes jobs from the ledger on behalf of one worker process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._sealer = Sealer(runtime.settings.secret_key)
        self._host = socket.gethostname()

    def perform(self, sealed: Mapping[str, object]) -> int:
        """Answer one bell: run what its queue has to do, and return how many jobs were run.

        Raises ForgedEnvelope when the bell was not rung by this installation.
        """
        try:
            envelope = self._sealer.open(sealed)
        except ForgedEnvelope:
            log.error("A forged bell was refused")
            raise
        database = self._database_of(envelope)
        queue = self._queue_of(envelope, database)
        if queue is None:
            log.warning("A bell rang for a job that is not there", extra={"job_id": str(envelope.job_id)})
            return 0
        return self.work_shift(queue, database)

    def work_shift(self, queue: str, database: str = "main") -> int:
        """Run jobs of `queue` for about a second, the fairest first, and return how many were run."""
        ends_at = time.monotonic() + SHIFT
        before = () if queue == URGENT else (URGENT,)
        done = 0
        while claim := self._claim(queue, database):
            done += 1
            if not self.run(claim) or time.monotonic() > ends_at or self._runtime.bell.hangs(before):
                self._pass_on(queue, database)
                break
        return done

    def rehearse(self) -> None:
        """Go through the steps of a job that does not exist, so that forks of this process find everything ready."""
        nobody = Envelope(PLATFORM_ID, PLATFORM_ID)
        claim = Claim(PLATFORM_ID, PLATFORM_ID, "", "", {}, 0, 0, -1, None, "", "")
        self._queue_of(nobody, "main")
        with suppress(NoSuchTenant):
            self._runtime.resolver.by_id(PLATFORM_ID)
        with self._runtime.platform() as session:
            now = ledger.database_now(session)
            fairness.choose_alone(session, "")
            fairness.next_jobs(session, self._runtime.resolver, "", now=now)
            ledger.claim(session, tenant_id=PLATFORM_ID, job_id=PLATFORM_ID, worker="", now=now)
            with suppress(LeaseLost):
                ledger.finish(session, claim, None, now=now)
        for spec in self._runtime.jobs:
            if spec.rehearse:
                spec.rehearse(self._runtime)

    def _database_of(self, envelope: Envelope) -> str:
        if envelope.tenant_id == PLATFORM_ID:
            return "main"
        try:
            return self._runtime.resolver.by_id(envelope.tenant_id).database
        except NoSuchTenant:
            return "main"

    def _queue_of(self, envelope: Envelope, database: str) -> str | None:
        with self._runtime.platform(database) as session:
            named = select(Job.queue).where(Job.tenant_id == envelope.tenant_id, Job.id == envelope.job_id)
            return session.execute(named).scalar_one_or_none()

    def _claim(self, queue: str, database: str) -> Claim | None:
        worker = f"{self._host}:{os.getpid()}"
        with self._runtime.platform(database) as session:
            fairness.choose_alone(session, queue)
            now = ledger.database_now(session)
            for candidate in fairness.next_jobs(session, self._runtime.resolver, queue, now=now):
                claim = ledger.claim(
                    session, tenant_id=candidate.tenant_id, job_id=candidate.job_id, worker=worker, now=now
                )
                if claim is not None:
                    return claim
        return None

    def _pass_on(self, queue: str, database: str) -> None:
        """Ring once for what is left, so that the chain of workers does not break when bells were lost."""
        with self._runtime.platform(database) as session:
            now = ledger.database_now(session)
            left = fairness.next_jobs(session, self._runtime.resolver, queue, now=now)
        if left:
            self._runtime.bell.ring_job(queue, left[0].tenant_id, left[0].job_id)

    def run(self, claim: Claim) -> bool:
        """Run one claimed job to its end, whatever that is; False when this process should take no other."""
        token = bind_log_fields(
            job_id=str(claim.id),
            job_kind=claim.kind,
            attempt=claim.attempt,
            tenant_id=str(claim.tenant_id),
            request_id=claim.request_id,
        )
        try:
            return self._attempt(claim)
        except LeaseLost:
            log.warning("A late end was refused: another worker has the job")
            self._drop_connections()
            return False
        finally:
            reset_log_fields(token)

    def _attempt(self, claim: Claim) -> bool:
        started = time.monotonic()
        database = "main"
        try:
            spec, tenant = self._bind(claim)
            database = tenant.database if tenant else database
            self._execute(claim, spec, tenant)
        except _NotYet:
            self._settle(claim, database, ledger.release, delay=NOT_YET)
        except _Refused as refusal:
            self._settle(claim, database, ledger.fail, refusal.error)
        except LeaseLost:
            raise
        except Interrupted as interrupt:
            self._drop_connections()
            self._interrupted(claim, database, interrupt)
            return False
        except MemoryError as error:
            # First of all room, for the note in the ledger; the process ends after it.
            lift_memory_limit()
            traceback.clear_frames(error.__traceback__)
            self._drop_connections()
            log.warning("Job needed too much memory")
            self._again(claim, database, problem_of(claim, error))
            return False
        except Exception as error:
            self._failed(claim, database, error)
        else:
            log.info("Job done", extra={"latency_ms": round((time.monotonic() - started) * 1000, 1)})
        return True

    def _bind(self, claim: Claim) -> tuple[JobSpec, Tenant | None]:
        try:
            spec = self._runtime.jobs.get(claim.kind)
        except KeyError:
            raise _Refused("job.unknown_kind", "Nobody does this kind of work here any more.") from None
        if spec.platform != (claim.tenant_id == PLATFORM_ID):
            raise _Refused("job.wrong_side", "This work cannot be done on this side of the house.")
        if spec.platform:
            return spec, None
        try:
            tenant = self._runtime.resolver.by_id(claim.tenant_id)
        except NoSuchTenant:
            raise _Refused("tenant.not_found", "The workspace is gone.") from None
        if tenant.status == "provisioning":
            raise _NotYet
        if tenant.status != "active":
            raise _Refused(f"tenant.{tenant.status}", "The workspace is not active; start this again when it is.")
        return spec, tenant

    def _execute(self, claim: Claim, spec: JobSpec, tenant: Tenant | None) -> None:
        work = Work(self._runtime, claim, spec, tenant)
        with beating(work), stoppable(spec.timeout):
            if tenant is None:
                self._finish_alone(claim, "main", spec.run(self._runtime, work, **claim.args))
            elif spec.transaction == "many":
                self._finish_alone(claim, tenant.database, spec.run(None, work, **claim.args))
            else:
                with work.open_session() as session:
                    work.finish(session, spec.run(work.context(session), work, **claim.args))
                    session.commit()
                    self._runtime.ring(session)

    def _finish_alone(self, claim: Claim, database: str, result: Mapping[str, Any] | None) -> None:
        with self._runtime.platform(database) as session:
            ledger.finish(session, claim, result, now=ledger.database_now(session))

    def _interrupted(self, claim: Claim, database: str, interrupt: Interrupted) -> None:
        if isinstance(interrupt, Cancelled):
            self._settle(claim, database, ledger.end_cancelled)
        elif isinstance(interrupt, Stopped):
            self._settle(claim, database, ledger.release)
        elif isinstance(interrupt, TimedOut):
            log.warning("Job took too long")
            self._again(claim, database, problem_of(claim, interrupt))

    def _failed(self, claim: Claim, database: str, error: Exception) -> None:
        problem = problem_of(claim, error)
        if is_final(error):
            self._settle(claim, database, ledger.fail, problem)
            return
        log.error("Job failed", exc_info=error)
        if isinstance(error, TenantIsolationError):
            self._settle(claim, database, ledger.fail, problem)
        else:
            self._again(claim, database, problem)

    def _again(self, claim: Claim, database: str, problem: Mapping[str, Any]) -> None:
        """Try again later, or park the job when it has had all its attempts."""
        if claim.attempt >= claim.max_attempts:
            self._settle(claim, database, ledger.fail, problem)
        else:
            spec = self._runtime.jobs.get(claim.kind)
            self._settle(claim, database, ledger.retry, problem, delay=ledger.backoff(spec.backoff, claim.attempt))

    def _settle(self, claim: Claim, database: str, how: Callable[..., None], *args: Any, **options: Any) -> None:
        """Write the end of an attempt in a transaction of its own.

        Raises LeaseLost.
        """
        try:
            with self._runtime.platform(database) as session:
                now: datetime = ledger.database_now(session)
                how(session, claim, *args, now=now, **options)
        except SQLAlchemyError:
            # The lease runs out and the reconciler takes the job back: slower, and as right.
            log.exception("The end of an attempt could not be written")

    def _drop_connections(self) -> None:
        # An interrupt may have come between a query and its answer; no later job may read that answer.
        self._runtime.databases.dispose()
        self._runtime.redis.connection_pool.disconnect()
        self._runtime.bell.disconnect()


class _NotYet(Exception):
    """The tenant is still being made."""


class _Refused(Exception):
    """The job cannot be run, now or later."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.error = {"code": code, "title": "The work was refused", "detail": detail}
