"""The JSON door of exports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.exports import queries, schemas, service
from app.exports.links import downloads
from app.exports.models import ExportRun
from app.kit.jobs.progress import progress_of
from tenants.access import access
from tenants.admission import Urgency
from tenants.context import Ctx
from tenants.edge import current

blp = Blueprint("exports_api", __name__, url_prefix="/api/v1/exports", description="Products and orders as files.")
_STARTED = {"Location": {"description": "The job that does the work.", "schema": {"type": "string"}}}


@blp.get("")
@blp.arguments(schemas.PageQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.ExportPage, example={"items": [schemas.EXAMPLE], "next_cursor": None})
@access("exports.run")
def list_exports(query: dict[str, Any]) -> dict[str, Any]:
    """List exports, the newest first."""
    ctx = current()
    page = queries.list_runs(ctx, cursor=query.get("cursor"), limit=query["limit"])
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id for run in page.items])
    links = downloads(ctx, page.items)
    return {
        "items": [schemas.export_json(run, at[run.job_id], links[run.id]) for run in page.items],
        "next_cursor": page.next_cursor,
    }


@blp.post("")
@blp.arguments(schemas.NewExport, example=schemas.NEW_EXAMPLE)
@blp.response(202, schemas.ExportSchema, example=schemas.EXAMPLE, headers=_STARTED)
@access("exports.run", urgency=Urgency.SHEDDABLE)
def start_export(values: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Start an export; the job's result has the link to the file.

    A CSV or XLSX of `products` or `order_lines` holds everything that an import needs to bring equal data back.
    """
    ctx = current()
    run = service.start(ctx, resource=values["resource"], format_=values["format"], filters=values["filters"])
    return _shown(ctx, run), 202, {"Location": f"/api/v1/jobs/{run.job_id}"}


@blp.get("/<uuid:export_id>")
@blp.response(200, schemas.ExportSchema, example=schemas.EXAMPLE)
@access("exports.run")
def get_export(export_id: UUID) -> dict[str, Any]:
    """Show one export, with a fresh link to its file."""
    ctx = current()
    return _shown(ctx, queries.get_run(ctx, run_id=export_id))


def _shown(ctx: Ctx, run: ExportRun) -> dict[str, Any]:
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id])[run.job_id]
    return schemas.export_json(run, at, downloads(ctx, [run])[run.id])
