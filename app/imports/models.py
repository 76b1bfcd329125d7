"""What an import is, how far it came, and what was wrong with each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import TenantBase, TenantOwned, Timestamps

RESOURCES = ("products", "orders")
# What an import makes and changes; orders that are here are never changed by a file.
KINDS = ("product", "order")
ACTIONS = ("created", "changed")
UNDO_STATES = ("undone", "kept")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class ImportRun(TenantOwned, Timestamps, TenantBase):
    """One import of one file, or the trial of one. Its state is that of its job; without a job it is a draft."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(_one_of("resource", RESOURCES), name="resource"),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["file_object.tenant_id", "file_object.id"]),
        ForeignKeyConstraint(["tenant_id", "report_id"], ["file_object.tenant_id", "file_object.id"]),
        ForeignKeyConstraint(["tenant_id", "failed_id"], ["file_object.tenant_id", "file_object.id"]),
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
    # The header and the first rows, so that a page needs no file store: {"header": […], "rows": [[…], …]}; of a
    # workbook also {"sheets": [{"name": …, "header": …, "rows": …}, …]}; and {"remembered": "2026-11-20T16:48:00Z"}
    # when the columns are those of an earlier import.
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
    # The rows that were not imported, as a file to correct and send again.
    failed_id: Mapped[UUID | None]
    # The import whose failed rows are tried again; no other row of the file is read.
    retry_of: Mapped[UUID | None]
    undo_job_id: Mapped[UUID | None]
    undone_at: Mapped[datetime | None]
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


class ImportMapping(TenantOwned, Timestamps, TenantBase):
    """The columns and options that were chosen for files with the same header, for the next one of them."""

    __tablename__ = "import_mapping"
    __table_args__ = (
        CheckConstraint(_one_of("resource", RESOURCES), name="resource"),
        UniqueConstraint("tenant_id", "resource", "header_digest"),
    )

    resource: Mapped[str]
    header_digest: Mapped[str]
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportChange(TenantOwned, TenantBase):
    """One thing that an import made or changed, or that a trial would: its fields before and after."""

    __tablename__ = "import_change"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["import_run.tenant_id", "import_run.id"], ondelete="CASCADE"),
        CheckConstraint(_one_of("kind", KINDS), name="kind"),
        CheckConstraint(_one_of("action", ACTIONS), name="action"),
        CheckConstraint(_one_of("undo_state", UNDO_STATES), name="undo_state"),
        Index("ix_import_change_row", "tenant_id", "run_id", "kind", "action", "row_number", "id"),
        Index("ix_import_change_kept", "tenant_id", "run_id", "row_number", "id",
              postgresql_where=text("undo_state = 'kept'")),
    )  # fmt: skip

    run_id: Mapped[UUID]
    # Of the first row that names it.
    row_number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    action: Mapped[str]
    # None in a trial, for what does not exist yet.
    target_id: Mapped[UUID | None]
    # What people call it: the SKU of a product, the number of an order.
    label: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    undo_state: Mapped[str | None]
    undo_note: Mapped[str] = mapped_column(default="")
