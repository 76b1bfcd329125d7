"""The journal of migration runs, and what is left to do outside the DDL transactions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import utcnow
from app.kit.db import ControlBase
from app.kit.ids import new_id

RUN_STATES = ("running", "succeeded", "failed", "stopped", "interrupted")
STEP_STATES = ("waiting", "running", "succeeded", "failed", "interrupted")
WORK_KINDS = ("index", "batch")
WORK_STATES = ("waiting", "done")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class MigrationRun(ControlBase):
    """One run of the fan-out. It lives in the main database, whichever databases it moves."""

    __tablename__ = "migration_run"
    __table_args__ = (
        CheckConstraint(_one_of("state", RUN_STATES), name="state"),
        Index("ix_migration_run_started_at", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[str] = mapped_column(default="running")
    target: Mapped[str]
    planned: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]


class MigrationStep(ControlBase):
    """What a run did with one schema. The truth about the schema itself is its version row."""

    __tablename__ = "migration_step"
    __table_args__ = (
        CheckConstraint(_one_of("state", STEP_STATES), name="state"),
        Index("ix_migration_step_schema", "database", "schema_name"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("control.migration_run.id", ondelete="CASCADE"), primary_key=True)
    database: Mapped[str] = mapped_column(primary_key=True)
    schema_name: Mapped[str] = mapped_column(primary_key=True)
    wave: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    from_revision: Mapped[str]
    to_revision: Mapped[str]
    seconds: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(Text, default="")


class SchemaWork(ControlBase):
    """Work that a revision left for after its DDL: written with the DDL, ticked off with the last page.

    It lives in the database of its schema, as the version row does.
    """

    __tablename__ = "schema_work"
    __table_args__ = (
        CheckConstraint(_one_of("kind", WORK_KINDS), name="kind"),
        CheckConstraint(_one_of("state", WORK_STATES), name="state"),
        Index("ix_schema_work_waiting", "database", "schema_name", postgresql_where=text("state = 'waiting'")),
    )

    database: Mapped[str] = mapped_column(primary_key=True)
    schema_name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    # How far a batch has come: this tenant, and in it up to this row.
    at_tenant: Mapped[UUID | None]
    at_row: Mapped[UUID | None]
    rows_seen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
