"""The pages of imports: choose a file, say which column is which, try it, run it, read the report."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.files import doors as files
from app.imports import doors, forms, pages, queries, service, undoing
from app.imports.errors import CannotUndo, NothingToRetry
from app.imports.models import RESOURCES, ImportRun
from app.imports.resources import FIELDS, NAMES
from app.imports.schemas import OptionsSchema
from app.jobs import service as jobs
from app.jobs.errors import JobEnded
from app.kit.errors import DomainError, FieldError, Invalid, NotFound
from app.kit.jobs.progress import progress_of
from app.kit.paging import DEFAULT_LIMIT
from app.web.forms import FormState
from app.web.templating import here_with
from tenants.access import access
from tenants.admission import Urgency
from tenants.edge import current

web = Blueprint("imports", __name__, url_prefix="/imports", template_folder="templates")

Page = tuple[str, int]


@web.get("")
@access("imports.run")
def index() -> str | Response:
    """Show what was imported."""
    ctx = current()
    try:
        page = queries.list_runs(ctx, cursor=request.args.get("cursor"), limit=DEFAULT_LIMIT)
    except Invalid:
        return redirect(here_with(cursor=None), 303)
    at = progress_of(ctx.db, ctx.tenant.id, [run.job_id for run in page.items])
    return render_template("imports/list.html", page=page, at=at, names=NAMES)


@web.get("/new")
@access("imports.run")
def new() -> str:
    """Show the form for a file."""
    wanted = request.args.get("resource", "")
    return _form_page(FormState({"resource": wanted if wanted in RESOURCES else RESOURCES[-1]}))


@web.post("/new")
@access("imports.run", idempotent=False, max_body=doors.MAX_BODY, urgency=Urgency.SHEDDABLE)
def upload() -> Page | Response:
    """Store the file, and go on to its columns."""
    ctx = current()
    resource = request.form.get("resource", "")
    try:
        if resource not in RESOURCES:
            raise Invalid(errors=[FieldError("#/resource", "Choose what the file holds.")])
        key = doors.request_key(ctx, request.form.get("idempotency_key"))
        run, _ = doors.receive(ctx, request.files.get("file"), request.form, resource=resource, key=key)
    except DomainError as error:
        return _form_page(FormState.failed(request.form, error)), error.status
    return redirect(url_for(".show", import_id=run.id), 303)


@web.get("/<uuid:import_id>")
@access("imports.run")
def show(import_id: UUID) -> str | Response:
    """Show the columns of a draft, or how far an import is and what came of it."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.job_id is None:
        return _columns_page(run, None)
    try:
        return render_template("imports/show.html", **pages.progress(ctx, run, request.args.get("cursor")))
    except Invalid:
        return redirect(url_for(".show", import_id=run.id), 303)


@web.get("/<uuid:import_id>/part")
@access("imports.run")
def part(import_id: UUID) -> str:
    """Answer the part of the page that changes while the import runs."""
    ctx = current()
    return render_template("imports/part.html", **pages.progress(ctx, queries.get_run(ctx, run_id=import_id), None))


@web.post("/<uuid:import_id>/start")
@access("imports.run")
def start(import_id: UUID) -> Page | Response:
    """Start the import, or the trial of it, with the columns that were chosen."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    mapping = forms.mapping_from(request.form, FIELDS[run.resource])
    try:
        options = OptionsSchema().load(forms.options_from(request.form, run))
        with ctx.db.begin_nested():
            service.start(
                ctx, run_id=run.id, mapping=mapping, options=options, dry_run=request.form.get("action") != "import"
            )
    except ValidationError as error:
        return _columns_page(run, FormState.invalid(request.form, error.messages_dict)), 422
    except Invalid as error:
        wrong = {item.pointer.rsplit("/", 1)[-1]: item.detail for item in error.errors}
        return _columns_page(run, FormState(request.form, forms.errors_for_form(wrong))), 422
    return redirect(url_for(".show", import_id=run.id), 303)


@web.post("/<uuid:import_id>/again")
@access("imports.run")
def again(import_id: UUID) -> Response:
    """Take the same file once more: to choose other columns, or to import it for good."""
    for_good = request.form.get("action") == "import"
    run = service.repeat(current(), run_id=import_id, dry_run=False if for_good else None)
    return redirect(url_for(".show", import_id=run.id), 303)


@web.post("/<uuid:import_id>/stop")
@access("imports.run")
def stop(import_id: UUID) -> Response:
    """Stop the import; what is in stays in."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.job_id is None:
        raise NotFound
    try:
        with ctx.db.begin_nested():
            jobs.cancel_job(ctx, job_id=run.job_id)
        flash("The import stops after its current step", "toast")
    except JobEnded:
        flash("The import had ended already", "toast")
    return redirect(url_for(".show", import_id=import_id), 303)


@web.post("/<uuid:import_id>/draft")
@access("imports.run")
def redraft(import_id: UUID) -> Page | Response:
    """Take another sheet of the workbook, or guess the columns instead of remembering them."""
    guess = request.form.get("action") == "guess"
    try:
        service.change_draft(
            current(), run_id=import_id, sheet=None if guess else request.form.get("sheet", ""), guess=guess
        )
    except Invalid as error:
        run = queries.get_run(current(), run_id=import_id)
        return _columns_page(run, FormState.failed(request.form, error)), error.status
    return redirect(url_for(".show", import_id=import_id), 303)


@web.post("/<uuid:import_id>/retry")
@access("imports.run", urgency=Urgency.SHEDDABLE)
def retry(import_id: UUID) -> Response:
    """Import the rows that were not imported once more, and no others."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            run = service.retry(ctx, run_id=import_id)
    except NothingToRetry as error:
        flash(error.detail or error.title, "toast")
        return redirect(url_for(".show", import_id=import_id), 303)
    return redirect(url_for(".show", import_id=run.id), 303)


@web.post("/<uuid:import_id>/undo")
@access("imports.run", urgency=Urgency.SHEDDABLE)
def undo(import_id: UUID) -> Response:
    """Take back what the import made and changed, as far as nothing depends on it."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            undoing.start(ctx, run_id=import_id)
    except CannotUndo as error:
        flash(error.detail or error.title, "toast")
    return redirect(url_for(".show", import_id=import_id), 303)


@web.get("/<uuid:import_id>/report")
@access("imports.run")
def report(import_id: UUID) -> Response:
    """Send the person to the download of the report."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.report_id is None:
        raise NotFound
    return files.send(ctx, run.report_id, class_="report")


@web.get("/<uuid:import_id>/failed")
@access("imports.run")
def failed(import_id: UUID) -> Response:
    """Send the person to the download of the rows that were not imported."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    if run.failed_id is None:
        raise NotFound
    return files.send(ctx, run.failed_id, class_="report")


@web.get("/<uuid:import_id>/changes")
@access("imports.run")
def changes(import_id: UUID) -> str | Response:
    """Show what the import made and changed, or would: field by field, what is there and what the file says."""
    ctx = current()
    run = queries.get_run(ctx, run_id=import_id)
    try:
        return render_template("imports/changes.html", **pages.changes(ctx, run, request.args))
    except Invalid:
        return redirect(here_with(cursor=None), 303)


def _form_page(state: FormState) -> str:
    return render_template("imports/new.html", form=state, resources=forms.RESOURCES, accept=",".join(doors.SUFFIXES))


def _columns_page(run: ImportRun, state: FormState | None) -> str:
    chosen = forms.mapping_from(request.form, FIELDS[run.resource]) if state else run.mapping
    return render_template(
        "imports/columns.html",
        run=run,
        name=NAMES[run.resource],
        form=state,
        fields=forms.choices(run, chosen),
        options=forms.chosen_options(run),
        sheets=forms.sheet_options(run),
        remembered_at=forms.remembered_at(run),
        currencies=forms.currency_options(),
        zones=forms.zone_options(),
        order_states=forms.ORDER_STATES,
        date_orders=forms.DATE_ORDERS,
    )
