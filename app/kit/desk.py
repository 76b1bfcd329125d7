"""The tables of `desk`: outbox, job ledger, idempotency keys and usage counters."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, LargeBinary, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import utcnow
from app.kit.db import DeskBase
from app.kit.ids import new_id

JOB_STATES = ("queued", "running", "succeeded", "failed", "cancelled")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class DeskOwned:
    """Key of every desk table: the tenant first; the platform's own rows carry `PLATFORM_ID`."""

    tenant_id: Mapped[UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, sort_order=-20)


class Outbox(DeskOwned, DeskBase):
    """An event that committed with its cause and waits for the relay."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_pending", "seq", postgresql_where=text("relayed_at IS NULL")),
        Index("ix_outbox_relayed_at", "relayed_at", postgresql_where=text("relayed_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    type: Mapped[str]
    aggregate_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor_id: Mapped[UUID | None]
    request_id: Mapped[str]
    occurred_at: Mapped[datetime] = mapped_column(default=utcnow)
    relayed_at: Mapped[datetime | None]


class Job(DeskOwned, DeskBase):
    """One piece of background work: the ledger row that survives the loss of Redis."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dedupe_key"),
        CheckConstraint(_one_of("state", JOB_STATES), name="state"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),
        Index("ix_job_due", "run_at", postgresql_where=text("state = 'queued'")),
        Index("ix_job_waiting", "queue", "tenant_id", "seq", postgresql_where=text("state = 'queued'")),
        Index("ix_job_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_job_open_order", "tenant_id", "ordering_key", "seq",
              postgresql_where=text("state IN ('queued', 'running') AND ordering_key IS NOT NULL")),
        Index("ix_job_recent", "tenant_id", "kind", "seq"),
        Index("ix_job_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    queue: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(default="queued")
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    max_attempts: Mapped[int] = mapped_column(Integer, default=1)
    run_at: Mapped[datetime] = mapped_column(default=utcnow)
    lease_until: Mapped[datetime | None]
    # Rises with every claim; a worker may only write under the number that it was given.
    fence: Mapped[int] = mapped_column(Integer, default=0)
    worker: Mapped[str | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    step: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    dedupe_key: Mapped[str | None]
    ordering_key: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(default="")
    request_id: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class IdempotencyKey(DeskOwned, DeskBase):
    """The answer that a request with this key got, kept so that a retry gets the same one."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_expires_at", "expires_at"),)

    # Hash of principal, route and the client's key: the key alone would be shared between people.
    scope: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class Usage(DeskOwned, DeskBase):
    """How much of a metered thing a tenant has; changed in the transaction that changes the thing."""

    __tablename__ = "usage"
    __table_args__ = (CheckConstraint("used >= 0", name="used"),)

    metric: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
