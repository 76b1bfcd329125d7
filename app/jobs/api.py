"""The JSON door of background work."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.jobs import queries, schemas, service
from tenants.access import access
from tenants.edge import current

blp = Blueprint("jobs_api", __name__, url_prefix="/api/v1/jobs", description="Work in the background.")


@blp.get("")
@blp.arguments(schemas.JobQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.JobPage, example={"items": [schemas.EXAMPLE], "next_cursor": None})
@access("jobs.read")
def list_jobs(query: dict[str, Any]) -> dict[str, Any]:
    """List your jobs, newest first; administrators see everybody's.

    Links to files are in the answer about one job.
    """
    ctx = current()
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    page = queries.list_jobs(ctx, filters=queries.JobFilter(**query), cursor=cursor, limit=limit)
    return {"items": [schemas.job_json(ctx, job, in_list=True) for job in page.items], "next_cursor": page.next_cursor}


@blp.get("/<uuid:job_id>")
@blp.response(200, schemas.JobSchema, example=schemas.EXAMPLE)
@access("jobs.read")
def get_job(job_id: UUID) -> dict[str, Any]:
    """Show one job: its state, how far it is, and its result or error."""
    return schemas.job_json(current(), queries.get_job(current(), job_id=job_id))


@blp.delete("/<uuid:job_id>")
@blp.response(200, schemas.JobSchema, example=schemas.EXAMPLE)
@access("jobs.read")
def cancel_job(job_id: UUID) -> dict[str, Any]:
    """Stop a job.

    One that waits is cancelled at once. One that runs stops at its next step; until then `cancel_requested` is true.
    """
    return schemas.job_json(current(), service.cancel_job(current(), job_id=job_id))
