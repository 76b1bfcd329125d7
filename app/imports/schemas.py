"""JSON of imports: what comes in beside a file, and what goes out."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import orjson
from flask_smorest.fields import Upload
from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema
from typing_extensions import override

from app.imports.models import RESOURCES, ImportRun
from app.imports.options import ORDER_STATES
from app.imports.summary import counts_of, rows_of, totals_of
from app.kit.fields import REQUIRED, Choice, Currency, Text, Whole
from app.kit.jobs.progress import Progress
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

EXAMPLE: dict[str, Any] = {
    "id": "0199f3a2-9d10-7e02-b1c4-52d1f6a7c0aa",
    "resource": "orders",
    "file_id": "0199f3a2-7c1e-7b44-8a52-1f0c6a4e9d01",
    "file_name": "orders 2010.csv",
    "dry_run": False,
    "state": "running",
    "progress": 0.4,
    "step": "Importing orders, 120 of 428",
    "error": "",
    "mapping": {"reference": "InvoiceNo", "sku": "StockCode"},
    "options": {"currency": "GBP", "time_zone": "UTC"},
    "rows": {"read": 8099, "imported": 3000, "new": 3000, "changed": 0, "unchanged": 0, "failed": 0},
    "counts": {"orders_created": 120, "products_created": 600},
    "totals": {"GBP": "52310.20"},
    "notes": ["The file names no currency; prices were read as GBP."],
    "has_report": False,
    "has_failed_rows": False,
    "sheets": [],
    "is_remembered": False,
    "retry_of": None,
    "undo_job_id": None,
    "undone_at": None,
    "job_id": "0199f3a2-9d10-7e02-b1c4-52d1f6a7c0ab",
    "job_url": "/api/v1/jobs/0199f3a2-9d10-7e02-b1c4-52d1f6a7c0ab",
    "created_at": "2026-11-20T16:48:00Z",
    "finished_at": None,
}


class MappingField(fields.Field[dict[str, str]]):
    """A JSON object as the text of a form field."""

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        told = 'Send a JSON object, like {"sku": "StockCode"}.'
        try:
            found = orjson.loads(value)
        except (orjson.JSONDecodeError, TypeError):
            raise ValidationError(told) from None
        if not isinstance(found, dict) or not all(isinstance(v, str) or v is None for v in found.values()):
            raise ValidationError(told)
        return {name: column or "" for name, column in found.items()}


class OptionsSchema(Schema):
    """What may be chosen about an import, beside its columns. What is left out is guessed."""

    class Meta:
        """Refuse unknown fields."""

        unknown = RAISE

    currency = Currency(metadata={"description": "Of prices whose row names none."})
    time_zone = fields.String(metadata={"description": "Of dates without one.", "example": "Europe/London"})
    month_first = fields.Boolean(metadata={"description": "Whether 01/02/2010 is in January."})
    create_products = fields.Boolean(metadata={"description": "Make the products of orders that are missing."})
    order_state = Choice(ORDER_STATES, metadata={"description": "Of orders whose row names none."})

    @validates_schema
    def check_zone(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a zone that nobody knows."""
        if data.get("time_zone", "UTC") not in available_timezones():
            raise ValidationError({"time_zone": ["Write a time zone, like Europe/London."]})


class NewImport(OptionsSchema):
    """A file to import, as multipart/form-data."""

    resource = Choice(RESOURCES, **REQUIRED)
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Check everything and write nothing."})
    mapping = MappingField(
        load_default=None,
        metadata={
            "type": "string",
            "example": '{"sku": "StockCode"}',
            "description": "Field → column, as JSON. Left out: as for the last file with these columns, or guessed.",
        },
    )
    file_id = fields.UUID(load_default=None, metadata={"description": "The file of an earlier import, sent again."})
    sheet = Text(
        longest=100,
        load_default="",
        metadata={"description": "Of a workbook: the sheet. Left out: the one whose columns fit best."},
    )


class NewImportBody(NewImport):
    """A file to import, with the file; for the document only."""

    file = Upload(metadata={"description": "CSV or XLSX, 50 MB at most. Needed unless `file_id` is sent."})


class RowsSchema(Schema):
    """What became of the rows: read = imported + unchanged + failed, and imported = new + changed."""

    read = fields.Integer(required=True)
    imported = fields.Integer(required=True)
    new = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    failed = fields.Integer(required=True)


class ImportSchema(Schema):
    """An import."""

    id = fields.UUID(required=True)
    resource = fields.String(required=True, metadata={"enum": list(RESOURCES)})
    file_id = fields.UUID(required=True)
    file_name = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    state = fields.String(required=True)
    progress = fields.Float(required=True)
    step = fields.String(required=True)
    error = fields.String(required=True)
    mapping = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    options = fields.Dict(keys=fields.String(), required=True)
    rows = fields.Nested(RowsSchema, required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    totals = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    notes = fields.List(fields.String(), required=True)
    has_report = fields.Boolean(required=True)
    has_failed_rows = fields.Boolean(required=True)
    sheets = fields.List(fields.String(), required=True, metadata={"description": "The sheets of a workbook."})
    is_remembered = fields.Boolean(required=True, metadata={"description": "Columns are those of an earlier file."})
    retry_of = fields.UUID(required=True, allow_none=True)
    undo_job_id = fields.UUID(required=True, allow_none=True)
    undone_at = fields.AwareDateTime(required=True, allow_none=True)
    job_id = fields.UUID(required=True, allow_none=True)
    job_url = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class ImportPage(Schema):
    """One page of imports."""

    items = fields.List(fields.Nested(ImportSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class IssueSchema(Schema):
    """What is said of one row; `lost` says that it was not imported because of it."""

    row = fields.Integer(required=True, metadata={"example": 17})
    field = fields.String(required=True, metadata={"example": "quantity"})
    code = fields.String(required=True, metadata={"example": "bad_value"})
    message = fields.String(required=True, metadata={"example": "“six”: Write a whole number, like 6."})
    lost = fields.Boolean(required=True)


class IssuePage(Schema):
    """One page of issues."""

    items = fields.List(fields.Nested(IssueSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PageQuery(Schema):
    """Which page of a list."""

    class Meta:
        """Refuse unknown parameters."""

        unknown = RAISE

    cursor = fields.String(metadata={"description": "`next_cursor` of the page before."})
    limit = Whole(least=1, most=MAX_LIMIT, text=True, load_default=DEFAULT_LIMIT)


def import_json(run: ImportRun, at: Progress) -> dict[str, Any]:
    """Return an import as `ImportSchema` says."""
    return {
        "id": run.id,
        "resource": run.resource,
        "file_id": run.file_id,
        "file_name": run.file_name,
        "dry_run": run.dry_run,
        "state": at.state,
        "progress": at.progress,
        "step": at.step,
        "error": at.error,
        "mapping": run.mapping,
        "options": run.options,
        "rows": rows_of(run),
        "counts": counts_of(run),
        "totals": totals_of(run),
        "notes": run.notes,
        "has_report": run.report_id is not None,
        "has_failed_rows": run.failed_id is not None,
        "sheets": [sheet["name"] for sheet in run.preview.get("sheets", ())],
        "is_remembered": "remembered" in run.preview,
        "retry_of": run.retry_of,
        "undo_job_id": run.undo_job_id,
        "undone_at": run.undone_at,
        "job_id": run.job_id,
        "job_url": f"/api/v1/jobs/{run.job_id}" if run.job_id else None,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def issue_json(row: Any) -> dict[str, Any]:
    """Return an issue as `IssueSchema` says."""
    return {
        "row": row.row_number,
        "field": row.field_name,
        "code": row.code,
        "message": row.message,
        "lost": row.is_lost,
    }
