"""Reads of imports: the runs with the state of their jobs, and what was said of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.imports.models import ImportRowIssue, ImportRun
from app.kit.errors import NotFound
from app.kit.paging import Cursor, ListKey, Order, Page, decode, page_of, paged
from tenants.context import Ctx

_RECENT = Order(ImportRun.created_at, ImportRun.id, descending=True)
_BY_ROW = Order(ImportRowIssue.row_number, ImportRowIssue.id)
ISSUE_FIELDS = ("id", "row_number", "code", "field_name", "message", "is_lost")


def get_run(ctx: Ctx, *, run_id: UUID, lock: bool = False) -> ImportRun:
    """Return the import; `lock` holds it until the transaction ends.

    Raises NotFound.
    """
    query = select(ImportRun).where(ImportRun.tenant_id == ctx.tenant.id, ImportRun.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    run = ctx.db.scalar(query)
    if run is None:
        raise NotFound
    return run


def find_by_request(ctx: Ctx, *, request_key: str) -> ImportRun | None:
    """Return the import that was asked for under this key, or None."""
    return ctx.db.scalar(
        select(ImportRun).where(ImportRun.tenant_id == ctx.tenant.id, ImportRun.request_key == request_key)
    )


def find_by_file(ctx: Ctx, *, file_id: UUID) -> ImportRun | None:
    """Return an import of this file, or None."""
    query = select(ImportRun).where(ImportRun.tenant_id == ctx.tenant.id, ImportRun.file_id == file_id)
    return ctx.db.scalar(query.order_by(ImportRun.created_at).limit(1))


def list_runs(ctx: Ctx, *, cursor: str | None, limit: int) -> Page:
    """Return one page of imports, the newest first.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, "imports")
    at: Cursor | None = decode(key, cursor) if cursor else None
    query = select(ImportRun).where(ImportRun.tenant_id == ctx.tenant.id)
    rows = ctx.db.scalars(paged(query, _RECENT, at, limit)).all()
    return page_of(rows, _RECENT, at, limit, key)


def list_issues(ctx: Ctx, *, run_id: UUID, cursor: str | None, limit: int) -> Page:
    """Return one page of what was said of rows, in their order.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"imports {run_id} issues")
    at: Cursor | None = decode(key, cursor) if cursor else None
    columns = [getattr(ImportRowIssue, name) for name in ISSUE_FIELDS]
    query = select(*columns).where(ImportRowIssue.tenant_id == ctx.tenant.id, ImportRowIssue.run_id == run_id)
    rows = ctx.db.execute(paged(query, _BY_ROW, at, limit)).all()
    return page_of(rows, _BY_ROW, at, limit, key)


def count_issues(ctx: Ctx, *, run_id: UUID) -> dict[str, tuple[int, bool, str]]:
    """Return `{code: (rows, whether they are lost, one of the sentences)}`, the most frequent first."""
    rows = ctx.db.execute(
        select(
            ImportRowIssue.code, func.count(), func.bool_or(ImportRowIssue.is_lost), func.min(ImportRowIssue.message)
        )
        .where(ImportRowIssue.tenant_id == ctx.tenant.id, ImportRowIssue.run_id == run_id)
        .group_by(ImportRowIssue.code)
        .order_by(func.bool_or(ImportRowIssue.is_lost).desc(), func.count().desc(), ImportRowIssue.code)
    )
    return {code: (count, lost, message) for code, count, lost, message in rows}


def issues_by_row(ctx: Ctx, *, run_id: UUID, behind: tuple[int, UUID] | None, limit: int) -> Sequence[Any]:
    """Return up to `limit` issues behind the one with this row number and id, in the order of the rows."""
    columns = [getattr(ImportRowIssue, name) for name in ISSUE_FIELDS]
    query = select(*columns).where(ImportRowIssue.tenant_id == ctx.tenant.id, ImportRowIssue.run_id == run_id)
    if behind is not None:
        query = query.where(tuple_(ImportRowIssue.row_number, ImportRowIssue.id) > tuple_(*behind))
    return ctx.db.execute(query.order_by(ImportRowIssue.row_number, ImportRowIssue.id).limit(limit)).all()
