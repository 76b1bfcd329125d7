"""Background work in the browser."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.jobs import queries, service
from app.jobs.errors import JobEnded
from app.jobs.schemas import job_json, title_of
from app.kit.desk import JOB_STATES, Job
from app.kit.paging import DEFAULT_LIMIT
from tenants.access import access
from tenants.context import Ctx
from tenants.edge import current

jobs = Blueprint("jobs", __name__, template_folder="templates")


@jobs.get("/jobs")
@access("jobs.read")
def index() -> str:
    """Show what runs and what has run."""
    ctx = current()
    wanted = request.args.get("state")
    filters = queries.JobFilter(state=wanted if wanted in JOB_STATES else None)
    page = queries.list_jobs(ctx, filters=filters, cursor=request.args.get("cursor"), limit=DEFAULT_LIMIT)
    return render_template(
        "jobs/list.html",
        items=[{"job": job, "title": title_of(ctx, job.kind)} for job in page.items],
        page=page,
        state=filters.state,
    )


@jobs.get("/jobs/<uuid:job_id>")
@access("jobs.read")
def show(job_id: UUID) -> str:
    """Show one job."""
    ctx = current()
    job = queries.get_job(ctx, job_id=job_id)
    return render_template("jobs/job.html", job=job, part=_part(ctx, job), result=job_json(ctx, job).get("result"))


@jobs.get("/jobs/<uuid:job_id>/progress")
@access("jobs.read")
def progress(job_id: UUID) -> str:
    """Show how far one job is, as the part of a page."""
    ctx = current()
    job = queries.get_job(ctx, job_id=job_id)
    return render_template("jobs/part.html", job=job, part=_part(ctx, job), result=job_json(ctx, job).get("result"))


@jobs.post("/jobs/<uuid:job_id>/cancellation")
@access("jobs.read")
def cancel(job_id: UUID) -> BaseResponse:
    """Stop a job."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            job = service.cancel_job(ctx, job_id=job_id)
        flash("Stopped" if job.state == "cancelled" else "It stops at its next step", "toast")
    except JobEnded:
        flash("It had ended already", "toast")
    return redirect(url_for("jobs.show", job_id=job_id), 303)


def _part(ctx: Ctx, job: Job) -> dict[str, Any]:
    waiting = "It stops at its next step." if job.cancel_requested else job.step
    return {
        "title": title_of(ctx, job.kind),
        "state": job.state,
        "progress": job.progress,
        "step": waiting,
        "error": (job.error or {}).get("detail", ""),
    }
