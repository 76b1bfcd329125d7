"""Undoing an import: asked for by a person, done by a job, batch by batch, as far as nothing depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.files.service import KEEP
from app.imports import queries
from app.imports.errors import CannotUndo
from app.imports.events import ImportUndone
from app.imports.models import ImportChange, ImportRun
from app.imports.service import ORDERING, require_right
from app.kit.jobs.progress import progress_of
from app.store import reversal
from app.store.reversal import Written
from tenants.context import Ctx

JOB = "imports.undo"
# As long as the file itself is kept.
WITHIN: timedelta = KEEP
# Orders go before the products that they have; what was changed is put back before what was made goes.
STEPS = (("order", "created"), ("product", "changed"), ("product", "created"))


def start(ctx: Ctx, *, run_id: UUID) -> ImportRun:
    """Begin to take back what an import made and changed; asking twice is asking once.

    Raises NotFound, CannotUndo.
    """
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    require_right(ctx, run.resource)
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id, run.undo_job_id])
    if run.undo_job_id is not None and at[run.undo_job_id].busy:
        return run
    if why := why_not(ctx, run, busy=at[run.job_id].busy, count=sum(run_counts(ctx, run).values())):
        raise CannotUndo(why)
    run.undo_job_id = ctx.enqueue(JOB, {"run_id": str(run.id)}, ordering_key=ORDERING)
    run.updated_at = ctx.now
    ctx.db.flush()
    return run


def why_not(ctx: Ctx, run: ImportRun, *, busy: bool, count: int) -> str:
    """Return why an import cannot be undone, or ""; `count` is how many things it made and changed."""
    if run.dry_run or run.job_id is None:
        return "Nothing was imported: the file was only looked at."
    if busy:
        return "The import is under way. Stop it first."
    if run.undone_at is not None:
        return "It was undone already."
    if not count:
        return "It made and changed nothing."
    if run.created_at + WITHIN < ctx.now:
        return f"An import can be undone for {WITHIN.days} days."
    return ""


def run_counts(ctx: Ctx, run: ImportRun) -> dict[tuple[str, str, str], int]:
    """Return how much an import made and changed, by kind, action and state of the undoing."""
    return queries.count_changes(ctx, run_id=run.id)


def undo_batch(ctx: Ctx, *, kind: str, action: str, changes: Sequence[ImportChange]) -> None:
    """Take back a batch of changes, and write down at each what became of it."""
    written = {change.target_id: Written(change.before, change.after) for change in changes if change.target_id}
    if kind == "order":
        stay = reversal.remove_orders(ctx, list(written))
    elif action == "changed":
        stay = reversal.put_products_back(ctx, written)
    else:
        stay = reversal.remove_products(ctx, written)
    for change in changes:
        reason = stay.get(change.target_id) if change.target_id else None
        change.undo_state, change.undo_note = ("kept", reason) if reason else ("undone", "")
    ctx.db.flush()


def finish(ctx: Ctx, *, run_id: UUID) -> dict[str, Any]:
    """Write down that the undoing is over, tell the other modules, and return what the job's owner reads."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    counts = run_counts(ctx, run)
    undone = sum(count for (_, _, state), count in counts.items() if state == "undone")
    kept = sum(count for (_, _, state), count in counts.items() if state == "kept")
    if run.undone_at is None:
        run.undone_at = run.updated_at = ctx.now
        ctx.db.flush()
        ctx.emit(ImportUndone(aggregate_id=run.id, resource=run.resource, undone=undone, kept=kept))
    return {
        "import_id": str(run.id),
        "undone": undone,
        "kept": kept,
        "import_url": f"/api/v1/imports/{run.id}",
        "page_url": f"/imports/{run.id}",
    }
