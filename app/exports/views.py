"""The pages of exports: ask for a file, see how far it is, fetch it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.exports import queries, service
from app.exports.models import RESOURCES, ExportRun
from app.exports.schemas import NewExport
from app.files import doors as files
from app.jobs import service as jobs
from app.jobs.errors import JobEnded
from app.kit.errors import Invalid, NotFound
from app.kit.jobs.progress import progress_of
from app.kit.paging import DEFAULT_LIMIT
from app.web.forms import FormState
from app.web.templating import here_with
from tenants.access import access
from tenants.admission import Urgency
from tenants.context import Ctx
from tenants.edge import current

web = Blueprint("exports", __name__, url_prefix="/exports", template_folder="templates")

NAMES = {"products": "Products", "orders": "Orders", "order_lines": "Orders with their lines"}
_TEXTS = {
    "products": "One row for each product. An import takes it back.",
    "orders": "One row for each order, with its total.",
    "order_lines": "One row for each line, with its order. An import takes it back.",
}
_FORMATS = (
    {"value": "csv", "title": "CSV", "text": "For other systems and imports."},
    {"value": "xlsx", "title": "Excel", "text": "For spreadsheets and imports: a workbook."},
    {"value": "ndjson", "title": "NDJSON", "text": "For programs: one JSON object a line."},
    {"value": "parquet", "title": "Parquet", "text": "For analysis: typed columns."},
)
_STATES = {
    "products": (("", "All"), ("active", "Active"), ("draft", "Draft"), ("archived", "Archived")),
    "orders": (("", "All"), ("pending", "Pending"), ("confirmed", "Confirmed"), ("shipped", "Shipped"),
               ("delivered", "Delivered"), ("cancelled", "Cancelled")),
}  # fmt: skip
_FILTERS = ("status", "category", "placed_from", "placed_to")
Page = tuple[str, int]


@web.get("")
@access("exports.run")
def index() -> str | Response:
    """Show what was exported."""
    ctx = current()
    try:
        page = queries.list_runs(ctx, cursor=request.args.get("cursor"), limit=DEFAULT_LIMIT)
    except Invalid:
        return redirect(here_with(cursor=None), 303)
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id for run in page.items])
    return render_template("exports/list.html", page=page, at=at, names=NAMES, may=_may(ctx))


@web.get("/new")
@access("exports.run")
def new() -> str:
    """Show the form for an export."""
    return _form_page(FormState({"resource": _wanted(), "format": "csv"}))


@web.post("/new")
@access("exports.run", urgency=Urgency.SHEDDABLE)
def create() -> Page | Response:
    """Start an export and show how far it is."""
    ctx = current()
    given = {name: request.form[name] for name in ("resource", "format") if request.form.get(name)}
    filters = {name: request.form[name] for name in _FILTERS if request.form.get(name)}
    try:
        values = NewExport().load({**given, "filters": filters})
        with ctx.db.begin_nested():
            run = service.start(ctx, resource=values["resource"], format_=values["format"], filters=values["filters"])
    except ValidationError as error:
        return _form_page(FormState.invalid(request.form, error.messages_dict)), 422
    except Invalid as error:
        wrong = {item.pointer.rsplit("/", 1)[-1]: item.detail for item in error.errors}
        return _form_page(FormState(request.form, wrong)), 422
    return redirect(url_for(".show", export_id=run.id), 303)


@web.get("/<uuid:export_id>")
@access("exports.run")
def show(export_id: UUID) -> str:
    """Show how far an export is."""
    ctx = current()
    return render_template("exports/show.html", **_progress(ctx, queries.get_run(ctx, run_id=export_id)))


@web.get("/<uuid:export_id>/part")
@access("exports.run")
def part(export_id: UUID) -> str:
    """Answer the part of the page that changes while the export runs."""
    ctx = current()
    return render_template("exports/part.html", **_progress(ctx, queries.get_run(ctx, run_id=export_id)))


@web.post("/<uuid:export_id>/stop")
@access("exports.run")
def stop(export_id: UUID) -> Response:
    """Stop the export."""
    ctx = current()
    run = queries.get_run(ctx, run_id=export_id)
    if run.job_id is None:
        raise NotFound
    try:
        with ctx.db.begin_nested():
            jobs.cancel_job(ctx, job_id=run.job_id)
        flash("The export stops", "toast")
    except JobEnded:
        flash("The export had ended already", "toast")
    return redirect(url_for(".show", export_id=export_id), 303)


@web.get("/<uuid:export_id>/download")
@access("exports.run")
def download(export_id: UUID) -> Response:
    """Send the person to the file; each click is authorised anew."""
    ctx = current()
    run = queries.get_run(ctx, run_id=export_id)
    ctx.require(service.RIGHTS[run.resource])
    if run.file_id is None:
        raise NotFound
    return files.send(ctx, run.file_id, class_="export")


def _wanted() -> str:
    wanted = request.args.get("resource", "")
    # A person who comes from the list of orders wants all of them: the file that can be imported again.
    return "order_lines" if wanted not in RESOURCES or wanted == "orders" else wanted


def _form_page(state: FormState) -> str:
    ctx = current()
    offered = [
        {"value": name, "title": title, "text": _TEXTS[name]}
        for name, title in NAMES.items()
        if ctx.actor.may(service.RIGHTS[name])
    ]
    return render_template(
        "exports/new.html", form=state, resources=offered, formats=_FORMATS, states=_state_options(state)
    )


def _state_options(state: FormState) -> list[tuple[str, str]]:
    known = _STATES["products" if state.values.get("resource") == "products" else "orders"]
    # Without script the choice of rows and of their state is made in one form: offer what either has.
    return list(dict([*known, *_STATES["products"], *_STATES["orders"]]).items())


def _may(ctx: Ctx) -> dict[str, bool]:
    return {name: ctx.actor.may(right) for name, right in service.RIGHTS.items()}


def _progress(ctx: Ctx, run: ExportRun) -> dict[str, Any]:
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id])[run.job_id]
    name = NAMES[run.resource]
    return {
        "run": run,
        "at": at,
        "name": name,
        "may": _may(ctx),
        "job": {
            "title": f"{name} as {_FORMAT_NAMES[run.format]}",
            "state": at.state,
            "progress": at.progress,
            "step": at.step,
            "error": at.error,
        },
    }


_FORMAT_NAMES = {entry["value"]: entry["title"] for entry in _FORMATS}
