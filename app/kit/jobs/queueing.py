"""Writing jobs to the ledger: in the caller's transaction, so that a job exists exactly when its cause does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kit.db import PLATFORM_ID
from app.kit.desk import Job
from app.kit.ids import new_id
from app.kit.jobs.registry import JobSpec

# Where a session remembers whom to wake when it has committed.
BELLS = "terrace_bells"


def enqueue(
    session: Session,
    spec: JobSpec,
    args: Mapping[str, Any] | None = None,
    *,
    tenant_id: UUID,
    now: datetime,
    run_at: datetime | None = None,
    dedupe_key: str | None = None,
    ordering_key: str | None = None,
    actor_id: UUID | None = None,
    actor_name: str = "",
    request_id: str = "",
) -> UUID | None:
    """Write a job in the session's transaction and return its id, or None when its dedupe key was there before."""
    job_id = new_id()
    statement = insert(Job).values(
        tenant_id=tenant_id,
        id=job_id,
        kind=spec.kind,
        queue=spec.queue,
        args=dict(args or {}),
        max_attempts=spec.max_attempts,
        # Due by the clock that says what is due: one that is ahead must not put everything off.
        run_at=run_at or func.clock_timestamp(),
        dedupe_key=dedupe_key,
        ordering_key=ordering_key,
        actor_id=actor_id,
        actor_name=actor_name,
        request_id=request_id,
        created_at=now,
    )
    if dedupe_key is not None:
        # No conflict target: naming the columns would need the right to read them, which sign-up's role lacks.
        statement = statement.on_conflict_do_nothing()
    # SQLAlchemy keeps the count of an INSERT only when asked.
    outcome = session.execute(statement, execution_options={"preserve_rowcount": True})
    if cast("CursorResult[Any]", outcome).rowcount == 0:
        return None
    if run_at is None or run_at <= now:
        session.info.setdefault(BELLS, set()).add((spec.queue, tenant_id, job_id))
    return job_id


def enqueue_platform(
    session: Session, spec: JobSpec, args: Mapping[str, Any] | None = None, *, now: datetime, **options: Any
) -> UUID | None:
    """Write a job of the platform itself, from a control or platform session. `options` are those of `enqueue`.

    Raises ValueError for a job that is not declared as the platform's.
    """
    if not spec.platform:
        raise ValueError(f"{spec.kind} is a tenant's job")
    return enqueue(session, spec, args, tenant_id=PLATFORM_ID, now=now, **options)
