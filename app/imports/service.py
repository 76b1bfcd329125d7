"""What people do with imports: bring a file, choose its columns, try it, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.imports import mapping as columns
from app.imports import queries
from app.imports.errors import ImportStarted, KeyReused
from app.imports.models import ImportRun
from app.imports.options import Options
from app.imports.resources import FIELDS
from app.workspace import service as workspace
from tenants.context import Ctx

JOB = "imports.run"
# Imports of a workspace run one after the other: two that make the same products would get in each other's way.
_ORDERING = "imports"
_WRITES = {"products": ("products.write",), "orders": ("orders.write", "products.write")}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is stored, and what a look at its beginning showed."""

    file_id: UUID
    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def draft(
    ctx: Ctx, *, resource: str, incoming: Incoming, request_key: str | None = None, request_digest: str = ""
) -> ImportRun:
    """Record an import whose columns are guessed and not yet confirmed."""
    _require(ctx, resource)
    run = ImportRun(
        resource=resource,
        dry_run=True,
        file_id=incoming.file_id,
        file_name=incoming.name,
        mapping=columns.guess(FIELDS[resource], incoming.header),
        options=default_options(ctx, incoming.rows).stored(),
        preview={"header": list(incoming.header), "rows": [list(row) for row in incoming.rows]},
        request_key=request_key,
        request_digest=request_digest,
        created_by=ctx.actor.id,
        created_by_name=ctx.actor.name or ctx.actor.email,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.db.add(run)
    ctx.db.flush()
    return run


def replay(ctx: Ctx, *, request_key: str, request_digest: str) -> ImportRun | None:
    """Return the import that this very request made before, or None.

    Raises KeyReused when the key came with another file or other choices.
    """
    run = queries.find_by_request(ctx, request_key=request_key)
    if run is not None and run.request_digest != request_digest:
        raise KeyReused("Send a new key with a new request, or the same request with the same key.")
    return run


def start(
    ctx: Ctx, *, run_id: UUID, mapping: Mapping[str, str], options: Mapping[str, Any], dry_run: bool
) -> ImportRun:
    """Start an import, or the trial of one, with the columns and options that were chosen.

    Raises NotFound, ImportStarted, Invalid with a pointer at each column that does not fit.
    """
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    _require(ctx, run.resource)
    if run.job_id is not None:
        raise ImportStarted("Import the file again to choose other columns.")
    columns.columns(FIELDS[run.resource], run.preview["header"], mapping)
    run.mapping = {field: column for field, column in mapping.items() if column}
    run.options = Options.of({**run.options, **options}).stored()
    run.dry_run = dry_run
    _enqueue(ctx, run)
    return run


def repeat(ctx: Ctx, *, run_id: UUID, dry_run: bool | None = None) -> ImportRun:
    """Make a new import of the same file: a draft, or one that starts at once as a trial or for good.

    Raises NotFound.
    """
    old = queries.get_run(ctx, run_id=run_id)
    _require(ctx, old.resource)
    run = ImportRun(
        resource=old.resource,
        dry_run=True if dry_run is None else dry_run,
        file_id=old.file_id,
        file_name=old.file_name,
        mapping=old.mapping,
        options=old.options,
        preview=old.preview,
        created_by=ctx.actor.id,
        created_by_name=ctx.actor.name or ctx.actor.email,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.db.add(run)
    ctx.db.flush()
    if dry_run is not None:
        _enqueue(ctx, run)
    return run


def default_options(ctx: Ctx, rows: Sequence[Sequence[str]]) -> Options:
    """Return the options that are offered first: the workspace's currency and zone, and how dates look."""
    settings = workspace.settings(ctx)
    return Options(
        currency=settings.currency,
        time_zone=settings.time_zone,
        month_first=columns.month_first([cell for row in rows for cell in row]),
    )


def _require(ctx: Ctx, resource: str) -> None:
    """Refuse whoever could not make by hand what the file makes."""
    ctx.require("imports.run")
    for permission in _WRITES[resource]:
        ctx.require(permission)


def _enqueue(ctx: Ctx, run: ImportRun) -> None:
    run.job_id = ctx.enqueue(JOB, {"run_id": str(run.id)}, ordering_key=_ORDERING)
    run.updated_at = ctx.now
    ctx.db.flush()
