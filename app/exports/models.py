"""What an export is, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import TenantBase, TenantOwned, Timestamps

RESOURCES = ("products", "orders", "order_lines")
FORMATS = ("csv", "ndjson", "parquet", "xlsx")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class ExportRun(TenantOwned, Timestamps, TenantBase):
    """One export. Its state is that of its job."""

    __tablename__ = "export_run"
    __table_args__ = (
        CheckConstraint(_one_of("resource", RESOURCES), name="resource"),
        CheckConstraint(_one_of("format", FORMATS), name="format"),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["file_object.tenant_id", "file_object.id"]),
        Index("ix_export_run_recent", "tenant_id", "created_at", "id"),
    )

    resource: Mapped[str]
    format: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    job_id: Mapped[UUID | None]
    file_id: Mapped[UUID | None]
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    created_by_name: Mapped[str] = mapped_column(default="")
