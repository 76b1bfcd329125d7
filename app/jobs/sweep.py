"""The broom of the desk: takes away what nobody asks for any more, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, tuple_

from app.kit.desk import IdempotencyKey, Job, Outbox
from app.kit.jobs.ledger import database_now
from app.kit.paging import Query
from tenants.runtime import Runtime
from tenants.work import Work

EVENTS_KEPT = timedelta(days=7)
JOBS_KEPT = timedelta(days=30)
# Small enough that no lock is held long and the vacuum follows.
BATCH = 1000


def sweep(runtime: Runtime, work: Work) -> dict[str, int]:
    """Delete relayed events, ended jobs and expired idempotency keys that are old enough; say how many."""
    counts: dict[str, int] = {}
    for database in runtime.databases.names():
        with runtime.platform(database) as session:
            now = database_now(session)
        for table, old in _old(now):
            name = table.__tablename__
            while deleted := _batch(runtime, database, table, old):
                counts[name] = counts.get(name, 0) + deleted
                work.progress(0.5, f"{name}: {counts[name]}")
    return counts


def _old(now: datetime) -> Iterator[tuple[Any, Query]]:
    yield Outbox, select(Outbox.tenant_id, Outbox.id).where(Outbox.relayed_at < now - EVENTS_KEPT)
    ended = select(Job.tenant_id, Job.id).where(
        Job.finished_at < now - JOBS_KEPT, Job.state.in_(("succeeded", "failed", "cancelled"))
    )
    yield Job, ended
    yield (
        IdempotencyKey,
        select(IdempotencyKey.tenant_id, IdempotencyKey.scope).where(IdempotencyKey.expires_at < now),
    )


def _batch(runtime: Runtime, database: str, table: Any, old: Query) -> int:
    key = tuple_(*table.__table__.primary_key.columns)
    with runtime.platform(database) as session:
        found = old.limit(BATCH).with_for_update(skip_locked=True)
        outcome = session.execute(delete(table).where(key.in_(found)), execution_options={"synchronize_session": False})
        return cast("CursorResult[Any]", outcome).rowcount
