"""The JSON door of imports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from flask_smorest import Blueprint
from marshmallow import RAISE
from werkzeug.wrappers import Response

from app.files import doors as files
from app.imports import change_schemas, doors, queries, schemas, service, undoing
from app.imports.mapping import columns
from app.imports.models import ImportRun
from app.imports.resources import FIELDS
from app.kit.errors import NotFound, UnsupportedMedia
from app.kit.jobs.progress import progress_of
from tenants.access import access
from tenants.admission import Urgency
from tenants.context import Ctx
from tenants.edge import current

blp = Blueprint("imports_api", __name__, url_prefix="/api/v1/imports", description="Files of products and orders.")

_BODY = {"required": True, "content": {"multipart/form-data": {"schema": schemas.NewImportBody}}}
_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Sent again with the same file and fields, the request starts one import.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "required": False,
    "example": "5b1f2d1e-0001",
}
_STARTED = {"Location": {"description": "The job that does the work.", "schema": {"type": "string"}}}
_SENT = {"303": {"description": "The download is at `Location`, for a minute."},
         "410": {"description": "The report is not kept any more."}}  # fmt: skip


@blp.get("")
@blp.arguments(schemas.PageQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.ImportPage, example={"items": [schemas.EXAMPLE], "next_cursor": None})
@access("imports.run")
def list_imports(query: dict[str, Any]) -> dict[str, Any]:
    """List imports, the newest first."""
    ctx = current()
    page = queries.list_runs(ctx, cursor=query.get("cursor"), limit=query["limit"])
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id for run in page.items])
    return {
        "items": [schemas.import_json(run, at[run.job_id]) for run in page.items],
        "next_cursor": page.next_cursor,
    }


@blp.post("")
@blp.doc(requestBody=_BODY, parameters=[_KEY])
@blp.response(202, schemas.ImportSchema, example=schemas.EXAMPLE, headers=_STARTED)
@access("imports.run", idempotent=False, max_body=doors.MAX_BODY, urgency=Urgency.SHEDDABLE)
def start_import() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Start the import of a file; the job says how far it is.

    Rows that cannot be imported are reported, never dropped: `GET /imports/{id}/issues`.
    """
    ctx = current()
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia("Send multipart/form-data with a file.")
    options = schemas.NewImport().load(request.form)
    resource, file_id = options.pop("resource"), options.pop("file_id")
    mapping, dry_run, sheet = options.pop("mapping"), options.pop("dry_run"), options.pop("sheet")
    if file_id is not None:
        run, is_new = doors.stored(ctx, file_id, resource=resource, sheet=sheet), True
    else:
        run, is_new = doors.receive(
            ctx,
            request.files.get("file"),
            request.form,
            resource=resource,
            sheet=sheet,
            key=doors.request_key(ctx, request.headers.get("Idempotency-Key")),
            check=lambda header: columns(FIELDS[resource], header, mapping) if mapping is not None else None,
        )
    if is_new:
        chosen = run.mapping if mapping is None else mapping
        run = service.start(ctx, run_id=run.id, mapping=chosen, options=options, dry_run=dry_run)
    return _shown(ctx, run), 202, {"Location": f"/api/v1/jobs/{run.job_id}"}


@blp.get("/<uuid:import_id>")
@blp.response(200, schemas.ImportSchema, example=schemas.EXAMPLE)
@access("imports.run")
def get_import(import_id: UUID) -> dict[str, Any]:
    """Show one import: how far it is, and what became of its rows."""
    ctx = current()
    return _shown(ctx, queries.get_run(ctx, run_id=import_id))


@blp.get("/<uuid:import_id>/issues")
@blp.arguments(schemas.PageQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.IssuePage)
@access("imports.run")
def list_issues(query: dict[str, Any], import_id: UUID) -> dict[str, Any]:
    """List what is said of single rows, in the file's order."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    page = queries.list_issues(ctx, run_id=run.id, cursor=query.get("cursor"), limit=query["limit"])
    return {"items": [schemas.issue_json(row) for row in page.items], "next_cursor": page.next_cursor}


@blp.get("/<uuid:import_id>/report")
@blp.doc(responses=_SENT)
@access("imports.run")
def get_report(import_id: UUID) -> Response:
    """Download the rows that have something to say, with what is said of them, as CSV."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.report_id is None:
        raise NotFound
    return files.send(ctx, run.report_id, class_="report")


@blp.get("/<uuid:import_id>/failed-rows")
@blp.doc(responses=_SENT)
@access("imports.run")
def get_failed_rows(import_id: UUID) -> Response:
    """Download the rows that were not imported, each with the reason: correct them, and import that file."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.failed_id is None:
        raise NotFound
    return files.send(ctx, run.failed_id, class_="report")


@blp.get("/<uuid:import_id>/changes")
@blp.arguments(change_schemas.ChangeQuery, location="query", unknown=RAISE)
@blp.response(200, change_schemas.ChangePage)
@access("imports.run")
def list_changes(query: dict[str, Any], import_id: UUID) -> dict[str, Any]:
    """List what the import made or changed (a trial: would make or change), field by field, old and new."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    cursor, limit = query.get("cursor"), query["limit"]
    if query["undo_state"]:
        page = queries.list_kept(ctx, run_id=run.id, cursor=cursor, limit=limit)
    else:
        page = queries.list_changes(
            ctx, run_id=run.id, kind=query["kind"], action=query["action"], cursor=cursor, limit=limit
        )
    return {"items": [change_schemas.change_json(change) for change in page.items], "next_cursor": page.next_cursor}


@blp.post("/<uuid:import_id>/retries")
@blp.response(202, schemas.ImportSchema, example=schemas.EXAMPLE, headers=_STARTED)
@access("imports.run", urgency=Urgency.SHEDDABLE)
def retry_import(import_id: UUID) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Import once more the rows that were not imported, and no others: when the plan has room again, for example."""
    ctx = current()
    run = service.retry(ctx, run_id=import_id)
    return _shown(ctx, run), 202, {"Location": f"/api/v1/jobs/{run.job_id}"}


@blp.post("/<uuid:import_id>/undoing")
@blp.response(202, schemas.ImportSchema, example=schemas.EXAMPLE, headers=_STARTED)
@access("imports.run", urgency=Urgency.SHEDDABLE)
def undo_import(import_id: UUID) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Take back what the import made and changed, as far as nothing depends on it.

    What stays is listed with the reason: `GET /imports/{id}/changes?undo_state=kept`.
    """
    ctx = current()
    run = undoing.start(ctx, run_id=import_id)
    return _shown(ctx, run), 202, {"Location": f"/api/v1/jobs/{run.undo_job_id}"}


def _shown(ctx: Ctx, run: ImportRun) -> dict[str, Any]:
    return schemas.import_json(run, progress_of(ctx.db, ctx.tenant.id, [run.job_id])[run.job_id])
