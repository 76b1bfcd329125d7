"""Jobs in JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.kit.desk import JOB_STATES, Job
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from tenants.context import Ctx

EXAMPLE = {
    "id": "01980b2e-5c1f-7c0e-9a53-0c5f3a7f1c11",
    "kind": "imports.run",
    "title": "Import",
    "state": "running",
    "progress": 0.4,
    "step": "4,000 of 10,000 rows",
    "attempt": 1,
    "cancel_requested": False,
    "created_at": "2026-11-21T09:30:00+00:00",
    "started_at": "2026-11-21T09:30:01+00:00",
    "finished_at": None,
}


class JobErrorSchema(Schema):
    """Why the work failed, for a person."""

    code = fields.String(required=True)
    title = fields.String()
    detail = fields.String(required=True)
    request_id = fields.String()
    errors = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))


class JobSchema(Schema):
    """Work in the background."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(JOB_STATES))
    progress = fields.Float(required=True, validate=validate.Range(0, 1))
    step = fields.String(required=True)
    attempt = fields.Integer(required=True)
    cancel_requested = fields.Boolean(required=True)
    result = fields.Dict(keys=fields.String())
    error = fields.Nested(JobErrorSchema)
    created_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class JobPage(Schema):
    """One page of jobs."""

    items = fields.List(fields.Nested(JobSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class JobQuery(Schema):
    """Which jobs, and which page of them."""

    class Meta:
        """Refuse unknown parameters: a misspelt filter would show everything."""

        unknown = RAISE

    cursor = fields.String(metadata={"description": "`next_cursor` of the page before."})
    limit = fields.Integer(load_default=DEFAULT_LIMIT, strict=False, validate=validate.Range(1, MAX_LIMIT))
    kind = fields.String(validate=validate.Length(1, 100))
    state = fields.String(validate=validate.OneOf(JOB_STATES))


def title_of(ctx: Ctx, kind: str) -> str:
    """Return what people call this kind of work."""
    try:
        title = ctx.runtime.jobs.get(kind).title
    except KeyError:
        title = ""
    return title or kind.replace(".", " ").replace("_", " ").capitalize()


def job_json(ctx: Ctx, job: Job, *, in_list: bool = False) -> dict[str, Any]:
    """Return `job` as the API shows it; `result` and `error` only where there is one.

    In a list the result is as it was stored: links that expire are made for one job, not for fifty.
    """
    shown: dict[str, Any] = {name: getattr(job, name) for name in EXAMPLE if name != "title"}
    shown["title"] = title_of(ctx, job.kind)
    if job.state == "succeeded" and job.result is not None:
        shown["result"] = dict(job.result) if in_list else _presented(ctx, job)
    if job.error is not None and job.state in ("failed", "queued"):
        shown["error"] = {"detail": "", **job.error}
    return shown


def _presented(ctx: Ctx, job: Job) -> dict[str, Any]:
    result = dict(job.result or {})
    try:
        present = ctx.runtime.jobs.get(job.kind).present
    except KeyError:
        present = None
    return present(ctx, result) if present else result
