"""What people do with exports: ask for one, and let it be written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from app.exports import queries
from app.exports.events import ExportFinished
from app.exports.models import ExportRun
from app.exports.queries import SOURCES
from app.kit.errors import FieldError, Invalid
from tenants.context import Ctx

JOB = "exports.run"
# Who may read the things may have them in a file.
RIGHTS = {"products": "products.read", "orders": "orders.read", "order_lines": "orders.read"}
_DATES = ("placed_from", "placed_to")


def start(ctx: Ctx, *, resource: str, format_: str, filters: Mapping[str, str]) -> ExportRun:
    """Start an export.

    Raises Forbidden, Invalid with a pointer at each filter that the resource does not have.
    """
    ctx.require("exports.run")
    ctx.require(RIGHTS[resource])
    run = ExportRun(
        resource=resource,
        format=format_,
        filters=_checked(resource, filters),
        created_by=ctx.actor.id,
        created_by_name=ctx.actor.name or ctx.actor.email,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.db.add(run)
    ctx.db.flush()
    run.job_id = ctx.enqueue(JOB, {"run_id": str(run.id)})
    ctx.db.flush()
    return run


def finish(ctx: Ctx, *, run_id: UUID, file_id: UUID, rows: int) -> ExportRun:
    """Write down that the file is there."""
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    run.file_id, run.row_count = file_id, rows
    run.finished_at = run.updated_at = ctx.now
    ctx.db.flush()
    ctx.emit(ExportFinished(aggregate_id=run.id, resource=run.resource, format=run.format, rows=rows))
    return run


def _checked(resource: str, filters: Mapping[str, str]) -> dict[str, str]:
    known = SOURCES[resource].filters
    errors = [
        FieldError(f"#/filters/{name}", f"Exports of {resource.replace('_', ' ')} take {', '.join(known)}.")
        for name in filters
        if name not in known
    ]
    errors += [
        FieldError(f"#/filters/{name}", "Write a day, like 2010-12-01.")
        for name in _DATES
        if name in known and filters.get(name) and not _is_date(filters[name])
    ]
    if errors:
        raise Invalid(errors=errors)
    return {name: value for name, value in filters.items() if value}


def _is_date(text: str) -> bool:
    try:
        # The day after must exist too: a range ends before it.
        return date.fromisoformat(text) < date.max
    except ValueError:
        return False
