"""The job ledger: every change of a job's state, as one fenced statement with an explicit session and time.

Claiming raises the fence; every later write of the worker names the fence that it was given, so that a worker which was
paused past its lease can write nothing any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Update, and_, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from app.kit.clock import compare, utcnow
from app.kit.desk import Job
from app.kit.jobs.interrupts import LeaseLost

# A worker that is gone is noticed after the lease; one that lives renews it several times before.
LEASE = timedelta(seconds=20)
HEARTBEAT = 5.0
MAX_BACKOFF = 300.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that one worker holds, under one fence."""

    tenant_id: UUID
    id: UUID
    kind: str
    queue: str
    args: Mapping[str, Any]
    attempt: int
    max_attempts: int
    fence: int
    actor_id: UUID | None
    actor_name: str
    request_id: str


def database_now(session: Session) -> datetime:
    """Return the database's clock: leases of several machines must not depend on their clocks."""
    asked = utcnow()
    return compare(asked, session.execute(select(func.clock_timestamp())).scalar_one())


def claim(session: Session, *, tenant_id: UUID, job_id: UUID, worker: str, now: datetime) -> Claim | None:
    """Take one due job, or return None when it is not to be had: taken, ended, not due, or behind one of its order."""
    earlier = aliased(Job)
    blocked = exists().where(
        earlier.tenant_id == Job.tenant_id,
        earlier.ordering_key == Job.ordering_key,
        earlier.seq < Job.seq,
        earlier.state.in_(("queued", "running")),
    )
    free = (
        select(Job.id)
        .where(Job.tenant_id == tenant_id, Job.id == job_id, Job.state == "queued", Job.run_at <= now, ~blocked)
        .with_for_update(skip_locked=True, of=Job)
        .scalar_subquery()
    )
    taken = session.execute(
        update(Job)
        .where(Job.tenant_id == tenant_id, Job.id == free)
        .values(
            state="running",
            attempt=Job.attempt + 1,
            fence=Job.fence + 1,
            lease_until=now + LEASE,
            worker=worker,
            started_at=func.coalesce(Job.started_at, now),
        )
        .returning(*(getattr(Job, name) for name in Claim.__dataclass_fields__)),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    return Claim(*taken) if taken else None


def beat(
    session: Session, held: Claim, *, now: datetime, progress: float | None = None, step: str | None = None
) -> bool:
    """Renew the lease, note progress, and return whether somebody wants the job to stop.

    Raises LeaseLost.
    """
    values: dict[str, Any] = {"lease_until": now + LEASE}
    if progress is not None:
        values["progress"] = min(max(progress, 0.0), 1.0)
    if step is not None:
        values["step"] = step
    statement = _held(held).values(**values).returning(Job.cancel_requested)
    wanted = session.execute(statement, execution_options={"synchronize_session": False}).scalar_one_or_none()
    if wanted is None:
        raise LeaseLost
    return wanted


def hold(session: Session, held: Claim) -> None:
    """Make sure until this transaction ends that the job stays ours; the last statement before a job's own commit.

    Raises LeaseLost.
    """
    found = session.execute(
        select(Job.fence).where(*_mine(held)).with_for_update(read=True), execution_options={"populate_existing": True}
    ).scalar_one_or_none()
    if found is None:
        raise LeaseLost


def finish(session: Session, held: Claim, result: Mapping[str, Any] | None, *, now: datetime) -> None:
    """End the job well.

    Raises LeaseLost.
    """
    _end(session, held, now, state="succeeded", progress=1.0, result=result, error=None)


def fail(session: Session, held: Claim, error: Mapping[str, Any], *, now: datetime) -> None:
    """End the job badly; `error` is what its owner reads.

    Raises LeaseLost.
    """
    _end(session, held, now, state="failed", error=dict(error))


def end_cancelled(session: Session, held: Claim, *, now: datetime) -> None:
    """End a job that stopped because somebody asked for it.

    Raises LeaseLost.
    """
    _end(session, held, now, state="cancelled")


def retry(session: Session, held: Claim, error: Mapping[str, Any], *, now: datetime, delay: float) -> None:
    """Put the job back for another attempt after `delay` seconds, unless somebody wants it to stop.

    Raises LeaseLost.
    """
    stop = _held(held).where(Job.cancel_requested).values(state="cancelled", finished_at=now, lease_until=None)
    if _rows(session, stop):
        return
    _write(session, held, state="queued", run_at=now + timedelta(seconds=delay), lease_until=None, error=dict(error))


def release(session: Session, held: Claim, *, now: datetime, delay: float = 0.0) -> None:
    """Put the job back as if it had not been taken.

    Raises LeaseLost.
    """
    run_at = now + timedelta(seconds=delay)
    _write(session, held, state="queued", run_at=run_at, lease_until=None, attempt=max(held.attempt - 1, 0))


def cancel(session: Session, *, tenant_id: UUID, job_id: UUID, now: datetime) -> None:
    """End a waiting job, or ask a running one to stop; an ended one stays as it is."""
    here = (Job.tenant_id == tenant_id, Job.id == job_id)
    options = {"synchronize_session": False}
    waiting = update(Job).where(*here, Job.state == "queued")
    session.execute(
        waiting.values(state="cancelled", cancel_requested=True, finished_at=now), execution_options=options
    )
    running = update(Job).where(*here, Job.state == "running")
    session.execute(running.values(cancel_requested=True), execution_options=options)


def backoff(base: float, attempt: int) -> float:
    """Return how long to wait after failed attempt number `attempt`: exponential, capped, with full jitter."""
    ceiling: float = min(base * 2 ** (attempt - 1), MAX_BACKOFF)
    # Full jitter: many jobs that failed together must not come back together.
    return ceiling * secrets.randbelow(1000) / 1000


def expire(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Take jobs back from workers that no longer renew their lease; return how many."""
    options = {"synchronize_session": False}
    lost = (
        select(Job.tenant_id, Job.id)
        .where(Job.state == "running", Job.lease_until < now)
        .order_by(Job.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(lost).all()
    for tenant_id, job_id in rows:
        here = and_(Job.tenant_id == tenant_id, Job.id == job_id, Job.state == "running")
        # The fence rises here as well: the worker that slept may wake before the next one claims.
        again = update(Job).where(here, Job.attempt < Job.max_attempts, ~Job.cancel_requested)
        session.execute(
            again.values(state="queued", run_at=now, lease_until=None, fence=Job.fence + 1), execution_options=options
        )
        stop = update(Job).where(here, Job.cancel_requested)
        session.execute(
            stop.values(state="cancelled", finished_at=now, lease_until=None, fence=Job.fence + 1),
            execution_options=options,
        )
        over = update(Job).where(here)
        session.execute(
            over.values(state="failed", finished_at=now, lease_until=None, fence=Job.fence + 1, error=WORKER_LOST),
            execution_options=options,
        )
    return len(rows)


WORKER_LOST = {
    "code": "job.worker_lost",
    "title": "The work was cut off",
    "detail": "The machine stopped in the middle of this work too often. Start it again; if it stops again, ask us.",
}


def _mine(held: Claim) -> tuple[Any, ...]:
    return (
        Job.tenant_id == held.tenant_id,
        Job.id == held.id,
        Job.fence == held.fence,
        Job.state == "running",
    )


def _held(held: Claim) -> Update:
    return update(Job).where(*_mine(held))


def _end(session: Session, held: Claim, now: datetime, **values: Any) -> None:
    _write(session, held, finished_at=now, lease_until=None, **values)


def _write(session: Session, held: Claim, **values: Any) -> None:
    if not _rows(session, _held(held).values(**values)):
        raise LeaseLost


def _rows(session: Session, statement: Update) -> int:
    outcome = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", outcome).rowcount
