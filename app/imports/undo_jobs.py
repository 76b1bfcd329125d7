"""The undoing of an import as a job.

Each batch and the notes of it commit together, under the job's fence: whatever kills a worker, a change is either as it
was and not noted, or taken back and noted. A repeated attempt goes on with what has no note.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.imports import queries, undoing
from app.kit.jobs.registry import JobSpec
from tenants.work import Work

BATCH = 200
_SAID = {
    ("order", "created"): "Removing orders",
    ("product", "changed"): "Putting products back",
    ("product", "created"): "Removing products",
}


def run(ctx: None, work: Work, *, run_id: str) -> dict[str, Any]:
    """Undo one import."""
    import_id = UUID(run_id)
    with work.transaction() as start:
        counts = undoing.run_counts(start, queries.get_run(start, run_id=import_id))
    total = sum(counts.values())
    done = sum(count for (_, _, state), count in counts.items() if state)
    for kind, action in undoing.STEPS:
        behind: tuple[int, UUID] | None = None
        while found := _undo_some(work, import_id, kind, action, behind):
            count, behind = found
            done += count
            work.progress(done / max(total, 1), f"{_SAID[kind, action]}, {done:,} of {total:,}")
    with work.transaction() as end:
        return undoing.finish(end, run_id=import_id)


def _undo_some(
    work: Work, run_id: UUID, kind: str, action: str, behind: tuple[int, UUID] | None
) -> tuple[int, tuple[int, UUID]] | None:
    """Undo one batch in one transaction; return how many it had and where it ended, or None when there is none left."""
    with work.transaction() as ctx:
        changes = queries.changes_to_undo(ctx, run_id=run_id, kind=kind, action=action, behind=behind, limit=BATCH)
        if not changes:
            return None
        undoing.undo_batch(ctx, kind=kind, action=action, changes=changes)
        return len(changes), (changes[-1].row_number, changes[-1].id)


SPEC = JobSpec(
    undoing.JOB, run, queue="bulk", transaction="many", timeout=1800, max_attempts=8, title="Undoing an import"
)
