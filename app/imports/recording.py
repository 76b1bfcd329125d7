"""What a running import writes about itself, in the same transactions as what it imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import cast
from uuid import UUID

from sqlalchemy import Table, delete, select

from app.files.service import KEEP
from app.imports import queries
from app.imports.events import ImportFinished
from app.imports.importer import Change, Outcome
from app.imports.models import ImportChange, ImportRowIssue, ImportRun
from app.imports.problems import Problem
from app.imports.spool import Spool
from app.kit.bulk import insert_many
from app.kit.ids import new_id
from tenants.context import Ctx

# So many are in memory at once.
_CHUNK = 1000
_ISSUE = cast(Table, ImportRowIssue.__table__)
_CHANGE = cast(Table, ImportChange.__table__)
_LONGEST = 500
_FORGET_AT_ONCE = 20_000


def note_reading(ctx: Ctx, *, run_id: UUID, spool: Spool, notes: list[str]) -> ImportRun:
    """Write down what reading found, once: a repeated attempt reads the same and finds it written."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    if not run.is_read:
        ctx.db.execute(
            delete(ImportRowIssue).where(ImportRowIssue.tenant_id == ctx.tenant.id, ImportRowIssue.run_id == run_id)
        )
        _write_issues(ctx, run_id, spool.issues())
        run.rows_read = spool.rows_read
        run.rows_failed = spool.rows_read - spool.row_count()
        run.notes = notes
        run.is_read = True
        ctx.db.flush()
    return run


def note_batch(ctx: Ctx, *, run_id: UUID, groups: int, outcome: Outcome) -> None:
    """Write down what became of one batch."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    _write_issues(ctx, run_id, outcome.issues)
    _write_changes(ctx, run_id, outcome.changes)
    run.groups_done += groups
    run.rows_imported += outcome.imported
    run.rows_unchanged += outcome.unchanged
    run.rows_failed += outcome.failed
    run.counts = dict(Counter(run.counts) + outcome.counts)
    run.updated_at = ctx.now
    ctx.db.flush()


def note_end(ctx: Ctx, *, run_id: UUID, report_id: UUID | None, failed_id: UUID | None) -> ImportRun:
    """Write down that the import is over, and tell the other modules when it was no trial."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    run.report_id, run.failed_id = report_id, failed_id
    run.finished_at = run.updated_at = ctx.now
    ctx.db.flush()
    _forget_old_changes(ctx)
    if not run.dry_run:
        ctx.emit(
            ImportFinished(
                aggregate_id=run.id,
                resource=run.resource,
                rows_read=run.rows_read,
                rows_imported=run.rows_imported,
                rows_unchanged=run.rows_unchanged,
                rows_failed=run.rows_failed,
            )
        )
    return run


def _write_issues(ctx: Ctx, run_id: UUID, issues: Iterable[tuple[int, Problem]]) -> None:
    remaining = iter(issues)
    while chunk := list(islice(remaining, _CHUNK)):
        rows = [
            {
                "tenant_id": ctx.tenant.id,
                "id": new_id(),
                "run_id": run_id,
                "row_number": number,
                "code": problem.code,
                "field_name": problem.column,
                "message": problem.text[:_LONGEST].replace("\0", ""),
                "is_lost": problem.lost,
            }
            for number, problem in chunk
        ]
        insert_many(ctx.db, _ISSUE, rows)


def _forget_old_changes(ctx: Ctx) -> None:
    """Let go of what can be undone no more, some of it at each import's end: the next one goes on."""
    old = (
        select(ImportChange.id)
        .join(ImportRun, (ImportRun.tenant_id == ImportChange.tenant_id) & (ImportRun.id == ImportChange.run_id))
        .where(
            ImportChange.tenant_id == ctx.tenant.id,
            ImportRun.tenant_id == ctx.tenant.id,
            ImportRun.created_at < ctx.now - KEEP,
        )
        .limit(_FORGET_AT_ONCE)
    )
    ctx.db.execute(delete(_CHANGE).where(_CHANGE.c.tenant_id == ctx.tenant.id, _CHANGE.c.id.in_(old)))


def _write_changes(ctx: Ctx, run_id: UUID, changes: Iterable[Change]) -> None:
    rows = [
        {
            "tenant_id": ctx.tenant.id,
            "id": new_id(),
            "run_id": run_id,
            "row_number": change.row,
            "kind": change.kind,
            "action": change.action,
            "target_id": change.target_id,
            "label": change.label,
            "before": dict(change.before),
            "after": dict(change.after),
            "undo_state": None,
            "undo_note": "",
        }
        for change in changes
    ]
    insert_many(ctx.db, _CHANGE, rows)
