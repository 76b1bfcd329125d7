"""What an import is, how far it came, and what was wrong with each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import TenantBase, TenantOwned, Timestamps

RESOURCES = ("products", "orders")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class ImportRun(TenantOwned, Timestamps, TenantBase):
    """One import of one file, or the trial of one. Its state is that of its job; without a job it is a draft."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(_one_of("resource", RESOURCES), name="resource"),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["file_object.tenant_id", "file_object.id"]),
        ForeignKeyConstraint(["tenant_id", "report_id"], ["file_object.tenant_id", "file_object.id"]),
        UniqueConstraint("tenant_id", "request_key"),
        Index("ix_import_run_recent", "tenant_id", "created_at", "id"),
    )

    resource: Mapped[str]
    dry_run: Mapped[bool]
    file_id: Mapped[UUID]
    file_name: Mapped[str]
    # {field: header of the column that feeds it}
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    # The header and the first rows, so that a page needs no file store: {"header": […], "rows": [[…], …]}.
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    job_id: Mapped[UUID | None]
    # Hash of the client's idempotency key and what it sent with it, of requests that carry a file.
    request_key: Mapped[str | None]
    request_digest: Mapped[str] = mapped_column(Text, default="")
    # True once all rows were read and judged; a repeated attempt goes on behind `groups_done`.
    is_read: Mapped[bool] = mapped_column(default=False)
    groups_done: Mapped[int] = mapped_column(Integer, default=0)
    rows_read: Mapped[int] = mapped_column(Integer, default=0)
    rows_imported: Mapped[int] = mapped_column(Integer, default=0)
    rows_unchanged: Mapped[int] = mapped_column(Integer, default=0)
    rows_failed: Mapped[int] = mapped_column(Integer, default=0)
    # {"orders_created": 428, …}
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    # Sentences about the file as a whole.
    notes: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    report_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    created_by_name: Mapped[str] = mapped_column(default="")


class ImportRowIssue(TenantOwned, TenantBase):
    """One thing about one row. `is_lost` says that the row was not imported because of it."""

    __tablename__ = "import_row_issue"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["import_run.tenant_id", "import_run.id"], ondelete="CASCADE"),
        Index("ix_import_row_issue_row", "tenant_id", "run_id", "row_number", "id"),
    )

    run_id: Mapped[UUID]
    row_number: Mapped[int] = mapped_column(Integer)
    code: Mapped[str]
    field_name: Mapped[str] = mapped_column(default="")
    message: Mapped[str]
    is_lost: Mapped[bool]
