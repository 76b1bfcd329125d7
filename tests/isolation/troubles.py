"""What breaks between two steps of a program, in both runs at the same place: nobody may notice, whoever is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text

from app.accounts.actors import CACHE
from app.kit.jobs import ledger
from tests.isolation.street import Street

Above = psycopg.Connection[Any]
Trouble = Callable[[Street, Above, UUID], object]


def _kill_backend(street: Street, above: Above, observed: UUID) -> None:
    """End the PostgreSQL process behind the connection that the next request will get."""
    with street.world.runtime.control() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    above.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def _flush_redis(street: Street, above: Above, observed: UUID) -> None:
    street.world.runtime.redis.flushdb()


def _kill_horse(street: Street, above: Above, observed: UUID) -> None:
    """Leave a job of the observed tenant as a worker leaves it that dies at work, and let it be taken back."""
    row = above.execute(
        "SELECT id FROM desk.job WHERE tenant_id = %s AND state = 'queued' ORDER BY seq LIMIT 1", (observed,)
    ).fetchone()
    if row is None:
        return
    with street.world.worker_runtime.platform() as session:
        ledger.claim(
            session, tenant_id=observed, job_id=row[0], worker="the late", now=ledger.database_now(session)
        )  # fmt: skip
    above.execute("UPDATE desk.job SET lease_until = now() - interval '1 s' WHERE id = %s AND state = 'running'", row)
    with street.world.worker_runtime.platform() as session:
        ledger.expire(session, now=ledger.database_now(session))


def _forget_all(street: Street, above: Above, observed: UUID) -> None:
    street.world.runtime.resolver.clear()
    CACHE.drop(lambda actor: True)


TROUBLES: dict[str, Trouble] = {
    "backend killed": _kill_backend, "redis flushed": _flush_redis, "horse killed": _kill_horse,
    "all forgotten": _forget_all,
}  # fmt: skip
