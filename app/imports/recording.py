"""What a running import writes about itself, in the same transactions as what it imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import cast
from uuid import UUID

from sqlalchemy import Table, delete, insert

from app.imports import queries
from app.imports.events import ImportFinished
from app.imports.importer import Outcome
from app.imports.models import ImportRowIssue, ImportRun
from app.imports.problems import Problem
from app.imports.spool import Spool
from app.kit.ids import new_id
from tenants.context import Ctx

# So many are in memory at once.
_CHUNK = 1000
_ISSUE = cast(Table, ImportRowIssue.__table__)
_LONGEST = 500


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
    run.groups_done += groups
    run.rows_imported += outcome.imported
    run.rows_unchanged += outcome.unchanged
    run.rows_failed += outcome.failed
    run.counts = dict(Counter(run.counts) + outcome.counts)
    run.updated_at = ctx.now
    ctx.db.flush()


def note_end(ctx: Ctx, *, run_id: UUID, report_id: UUID | None) -> ImportRun:
    """Write down that the import is over, and tell the other modules when it was no trial."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    run.report_id = report_id
    run.finished_at = run.updated_at = ctx.now
    ctx.db.flush()
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
        ctx.db.execute(insert(_ISSUE), rows)
