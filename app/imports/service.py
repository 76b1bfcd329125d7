"""What people do with imports: bring a file, choose its columns, try it, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.imports import mapping as columns
from app.imports import queries
from app.imports.errors import ImportStarted, KeyReused, NothingToRetry
from app.imports.models import ImportMapping, ImportRun
from app.imports.options import Options
from app.imports.resources import FIELDS
from app.imports.tables import Look
from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.workspace import service as workspace
from tenants.context import Ctx

JOB = "imports.run"
# Imports of a workspace run one after the other: two that make the same products would get in each other's way.
ORDERING = "imports"
_WRITES = {"products": ("products.write",), "orders": ("orders.write", "products.write")}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is stored, and what a look at its beginning showed; of a workbook, at each of its sheets."""

    file_id: UUID
    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    sheets: Sequence[Look] = ()

    @classmethod
    def of(cls, file_id: UUID, name: str, looks: Sequence[Look]) -> Incoming:
        """Return a file by the looks that were taken at it."""
        sheets = looks if looks[0].name else ()
        return cls(file_id, name, looks[0].header, looks[0].rows, sheets)


def draft(
    ctx: Ctx,
    *,
    resource: str,
    incoming: Incoming,
    sheet: str = "",
    request_key: str | None = None,
    request_digest: str = "",
) -> ImportRun:
    """Record an import whose columns are remembered or guessed, and not yet confirmed.

    Raises Invalid when there is no such sheet.
    """
    require_right(ctx, resource)
    run = ImportRun(
        resource=resource,
        dry_run=True,
        file_id=incoming.file_id,
        file_name=incoming.name,
        preview={"sheets": [look.stored() for look in incoming.sheets]},
        request_key=request_key,
        request_digest=request_digest,
        created_by=ctx.actor.id,
        created_by_name=ctx.actor.name or ctx.actor.email,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    looks = incoming.sheets or [Look("", list(incoming.header), [list(row) for row in incoming.rows])]
    _offer(ctx, run, pick(resource, looks, sheet))
    ctx.db.add(run)
    ctx.db.flush()
    return run


def pick(resource: str, looks: Sequence[Look], name: str = "") -> Look:
    """Return the sheet called `name`, or the one whose columns tell most of `resource`.

    Raises Invalid when there is none.
    """
    if name:
        chosen = next((look for look in looks if look.name.strip() == name.strip()), None)
        if chosen is None:
            raise Invalid.field("sheet", "The file has no visible sheet of this name.")
        return chosen
    fields = FIELDS[resource]
    return max(looks, key=lambda look: len(columns.guess(fields, look.header)))


def change_draft(ctx: Ctx, *, run_id: UUID, sheet: str | None = None, guess: bool = False) -> ImportRun:
    """Take another sheet of the workbook, or forget the remembered columns and guess them.

    Raises NotFound, ImportStarted, Invalid when there is no such sheet.
    """
    run = queries.get_run(ctx, run_id=run_id, lock=True)
    require_right(ctx, run.resource)
    if run.job_id is not None:
        raise ImportStarted("Import the file again to choose other columns.")
    looks = looks_of(run)
    name = run.options.get("sheet", "") if sheet is None else sheet
    _offer(ctx, run, pick(run.resource, looks, name), guess=guess)
    run.updated_at = ctx.now
    ctx.db.flush()
    return run


def looks_of(run: ImportRun) -> list[Look]:
    """Return what was seen of the file when it came."""
    sheets = run.preview.get("sheets")
    return [Look(**sheet) for sheet in sheets] if sheets else [Look("", run.preview["header"], run.preview["rows"])]


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
    require_right(ctx, run.resource)
    if run.job_id is not None:
        raise ImportStarted("Import the file again to choose other columns.")
    columns.columns(FIELDS[run.resource], run.preview["header"], mapping)
    run.mapping = {field: column for field, column in mapping.items() if column}
    run.options = Options.of({**run.options, **options}).stored()
    run.dry_run = dry_run
    _remember(ctx, run)
    _enqueue(ctx, run)
    return run


def repeat(ctx: Ctx, *, run_id: UUID, dry_run: bool | None = None) -> ImportRun:
    """Make a new import of the same file: a draft, or one that starts at once as a trial or for good.

    Raises NotFound.
    """
    old = queries.get_run(ctx, run_id=run_id)
    require_right(ctx, old.resource)
    run = _again(ctx, old, dry_run=True if dry_run is None else dry_run)
    if dry_run is not None:
        _enqueue(ctx, run)
    return run


def retry(ctx: Ctx, *, run_id: UUID) -> ImportRun:
    """Import once more those rows of a file that were not imported, and no others.

    Raises NotFound, NothingToRetry.
    """
    old = queries.get_run(ctx, run_id=run_id)
    require_right(ctx, old.resource)
    if old.dry_run or old.finished_at is None or not old.rows_failed:
        raise NothingToRetry("Every row that could be read is in, or the import is not over.")
    run = _again(ctx, old, dry_run=False)
    run.retry_of = old.id
    _enqueue(ctx, run)
    return run


def _again(ctx: Ctx, old: ImportRun, *, dry_run: bool) -> ImportRun:
    run = ImportRun(
        resource=old.resource,
        dry_run=dry_run,
        file_id=old.file_id,
        file_name=old.file_name,
        mapping=old.mapping,
        options=old.options,
        preview={name: value for name, value in old.preview.items() if name != "remembered"},
        created_by=ctx.actor.id,
        created_by_name=ctx.actor.name or ctx.actor.email,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    # A retry of a retry: the rows that the first one tried are all that are left.
    run.retry_of = old.retry_of
    ctx.db.add(run)
    ctx.db.flush()
    return run


def default_options(ctx: Ctx, rows: Sequence[Sequence[str]]) -> Options:
    """Return the options that are offered first: the workspace's currency and zone, and how dates look."""
    settings = workspace.settings(ctx)
    return Options(
        currency=settings.currency,
        time_zone=settings.time_zone,
        month_first=columns.month_first([cell for row in rows for cell in row]),
    )


def require_right(ctx: Ctx, resource: str) -> None:
    """Refuse whoever could not make by hand what the file makes.

    Raises Forbidden.
    """
    ctx.require("imports.run")
    for permission in _WRITES[resource]:
        ctx.require(permission)


def _offer(ctx: Ctx, run: ImportRun, look: Look, *, guess: bool = False) -> None:
    """Put a table's columns into a draft: as they were chosen for one like it before, or guessed."""
    known = (
        None if guess else queries.find_mapping(ctx, resource=run.resource, header_digest=columns.digest(look.header))
    )
    seen = default_options(ctx, look.rows)
    run.mapping = columns.guess(FIELDS[run.resource], look.header)
    preview: dict[str, Any] = {**run.preview, "header": look.header, "rows": look.rows}
    preview.pop("remembered", None)
    if known is not None and columns.fit(known.mapping, look.header) == len(known.mapping):
        run.mapping = known.mapping
        seen = Options.of({**known.options, "month_first": seen.month_first or known.options["month_first"]})
        preview["remembered"] = known.updated_at.isoformat()
    run.preview = preview
    run.options = {**seen.stored(), "sheet": look.name}


def _remember(ctx: Ctx, run: ImportRun) -> None:
    """Keep what was chosen, for the next file with the same columns."""
    values = {"mapping": run.mapping, "options": {**run.options, "sheet": ""}, "updated_at": ctx.now}
    keys = {"resource": run.resource, "header_digest": columns.digest(run.preview["header"])}
    made = insert(ImportMapping).values(tenant_id=ctx.tenant.id, id=new_id(), **keys, **values, created_at=ctx.now)
    ctx.db.execute(
        made.on_conflict_do_update(index_elements=[ImportMapping.tenant_id, *map(_column, keys)], set_=values)
    )


def _column(name: str) -> Any:
    return getattr(ImportMapping, name)


def _enqueue(ctx: Ctx, run: ImportRun) -> None:
    run.job_id = ctx.enqueue(JOB, {"run_id": str(run.id)}, ordering_key=ORDERING)
    run.updated_at = ctx.now
    ctx.db.flush()
