"""JSON of exports: what comes in and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields

from app.exports.models import FORMATS, RESOURCES, ExportRun
from app.kit.fields import REQUIRED, Choice, Text, Whole
from app.kit.jobs.progress import Progress
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

NEW_EXAMPLE = {"resource": "order_lines", "format": "csv", "filters": {"placed_from": "2010-12-01"}}
EXAMPLE: dict[str, Any] = {
    "id": "0199f3a2-9d10-7e02-b1c4-52d1f6a7c0aa",
    "resource": "order_lines",
    "format": "csv",
    "filters": {"placed_from": "2010-12-01"},
    "state": "succeeded",
    "progress": 1.0,
    "step": "",
    "error": "",
    "rows": 8099,
    "job_id": "0199f3a2-9d10-7e02-b1c4-52d1f6a7c0ab",
    "job_url": "/api/v1/jobs/0199f3a2-9d10-7e02-b1c4-52d1f6a7c0ab",
    "download_url": "https://files.example/terrace/tenant/…",
    "download_expires_at": "2026-11-20T17:48:00+00:00",
    "created_at": "2026-11-20T16:48:00Z",
    "finished_at": "2026-11-20T16:48:01Z",
}


class NewExport(Schema):
    """A file to make."""

    class Meta:
        """Refuse unknown fields."""

        unknown = RAISE

    resource = Choice(RESOURCES, **REQUIRED)
    format = Choice(FORMATS, load_default="csv")
    filters = fields.Dict(
        keys=fields.String(),
        values=Text(longest=80),
        load_default=dict,
        metadata={
            "description": "products: status, category. orders and order_lines: status, placed_from and placed_to as "
            "days, both included.",
        },
    )


class ExportSchema(Schema):
    """An export. While its file is kept there is a link to it, good for an hour and made anew each time."""

    id = fields.UUID(required=True)
    resource = fields.String(required=True, metadata={"enum": list(RESOURCES)})
    format = fields.String(required=True, metadata={"enum": list(FORMATS)})
    filters = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    state = fields.String(required=True)
    progress = fields.Float(required=True)
    step = fields.String(required=True)
    error = fields.String(required=True)
    rows = fields.Integer(required=True, allow_none=True)
    job_id = fields.UUID(required=True, allow_none=True)
    job_url = fields.String(required=True)
    download_url = fields.String()
    download_expires_at = fields.String()
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class ExportPage(Schema):
    """One page of exports."""

    items = fields.List(fields.Nested(ExportSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PageQuery(Schema):
    """Which page of a list."""

    class Meta:
        """Refuse unknown parameters."""

        unknown = RAISE

    cursor = fields.String(metadata={"description": "`next_cursor` of the page before."})
    limit = Whole(least=1, most=MAX_LIMIT, text=True, load_default=DEFAULT_LIMIT)


def export_json(run: ExportRun, at: Progress, link: Mapping[str, Any]) -> dict[str, Any]:
    """Return an export as `ExportSchema` says."""
    return {
        "id": run.id,
        "resource": run.resource,
        "format": run.format,
        "filters": run.filters,
        "state": at.state,
        "progress": at.progress,
        "step": at.step,
        "error": at.error,
        "rows": run.row_count,
        "job_id": run.job_id,
        "job_url": f"/api/v1/jobs/{run.job_id}",
        **link,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }
