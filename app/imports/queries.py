"""Reads of imports: the runs with the state of their jobs, and what was said of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_

from app.imports.models import ImportChange, ImportMapping, ImportRowIssue, ImportRun
from app.kit.errors import NotFound
from app.kit.paging import Cursor, ListKey, Order, Page, decode, page_of, paged
from tenants.context import Ctx

_RECENT = Order(ImportRun.created_at, ImportRun.id, descending=True)
_BY_ROW = Order(ImportRowIssue.row_number, ImportRowIssue.id)
_CHANGES_BY_ROW = Order(ImportChange.row_number, ImportChange.id)
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


def lost_rows(ctx: Ctx, *, run_id: UUID) -> set[int]:
    """Return the numbers of the rows that were not imported."""
    query = select(ImportRowIssue.row_number).where(
        ImportRowIssue.tenant_id == ctx.tenant.id, ImportRowIssue.run_id == run_id, ImportRowIssue.is_lost
    )
    return set(ctx.db.scalars(query))


def find_mapping(ctx: Ctx, *, resource: str, header_digest: str) -> ImportMapping | None:
    """Return what was chosen for an earlier file with the same columns, or None."""
    return ctx.db.scalar(
        select(ImportMapping).where(
            ImportMapping.tenant_id == ctx.tenant.id,
            ImportMapping.resource == resource,
            ImportMapping.header_digest == header_digest,
        )
    )


def list_changes(ctx: Ctx, *, run_id: UUID, kind: str, action: str, cursor: str | None, limit: int) -> Page:
    """Return one page of what an import made ("created") or changed, in the order of its rows.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"imports {run_id} changes {kind} {action}")
    at: Cursor | None = decode(key, cursor) if cursor else None
    query = _changes(ctx, run_id).where(ImportChange.kind == kind, ImportChange.action == action)
    rows = ctx.db.scalars(paged(query, _CHANGES_BY_ROW, at, limit)).all()
    return page_of(rows, _CHANGES_BY_ROW, at, limit, key)


def list_kept(ctx: Ctx, *, run_id: UUID, cursor: str | None, limit: int) -> Page:
    """Return one page of what an undoing could not take back, with the reasons.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"imports {run_id} kept")
    at: Cursor | None = decode(key, cursor) if cursor else None
    query = _changes(ctx, run_id).where(ImportChange.undo_state == "kept")
    rows = ctx.db.scalars(paged(query, _CHANGES_BY_ROW, at, limit)).all()
    return page_of(rows, _CHANGES_BY_ROW, at, limit, key)


def count_changes(ctx: Ctx, *, run_id: UUID) -> dict[tuple[str, str, str], int]:
    """Return `{(kind, action, state of the undoing or ""): number}`."""
    state = func.coalesce(ImportChange.undo_state, "")
    rows = ctx.db.execute(
        select(ImportChange.kind, ImportChange.action, state, func.count())
        .where(ImportChange.tenant_id == ctx.tenant.id, ImportChange.run_id == run_id)
        .group_by(ImportChange.kind, ImportChange.action, state)
    )
    return {(kind, action, undo_state): count for kind, action, undo_state, count in rows}


def changes_to_undo(
    ctx: Ctx, *, run_id: UUID, kind: str, action: str, behind: tuple[int, UUID] | None, limit: int
) -> Sequence[ImportChange]:
    """Return up to `limit` changes that nobody has tried to undo yet, behind the one with this row and id."""
    query = _changes(ctx, run_id).where(
        ImportChange.kind == kind, ImportChange.action == action, ImportChange.undo_state.is_(None)
    )
    if behind is not None:
        query = query.where(tuple_(ImportChange.row_number, ImportChange.id) > tuple_(*behind))
    return ctx.db.scalars(query.order_by(ImportChange.row_number, ImportChange.id).limit(limit)).all()


def _changes(ctx: Ctx, run_id: UUID) -> Select[ImportChange]:
    return select(ImportChange).where(ImportChange.tenant_id == ctx.tenant.id, ImportChange.run_id == run_id)
