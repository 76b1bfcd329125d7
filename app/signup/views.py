"""Sign-up in the browser: the form, the line that says whether an address is free, and the house that lights up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from marshmallow import EXCLUDE, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from app.kit.clock import utcnow
from app.kit.errors import DomainError
from app.signup import service
from app.signup.schemas import SignUpSchema
from app.web.forms import FormState
from tenants import registration
from tenants.access import public
from tenants.edge import runtime
from tenants.tiers import tiers

signup = Blueprint("signup", __name__, template_folder="templates")

# A workspace is usually open in a fifth of a second: the page asks often at first (milliseconds), and then at leisure.
_EAGER, _PATIENT = 150, 1000
_SOON = timedelta(seconds=4)


@signup.get("/signup")
@public("Whoever signs up has no account yet", host="apex")
def form() -> str:
    """Show the form."""
    return _form(FormState({"tier": request.args.get("tier", "")}))


@signup.post("/signup")
@public("Whoever signs up has no account yet", host="apex")
def start() -> Response | BaseResponse:
    """Start the workspace and show how it is made; or show the form again with what to change."""
    values = {name: value for name, value in request.form.items() if value or name in ("company_name", "slug")}
    try:
        data = SignUpSchema(unknown=EXCLUDE).load(values)
        tenant_id = service.sign_up(
            runtime(), data, key=request.form.get("idempotency_key"), visitor=request.remote_addr or ""
        )
    except ValidationError as error:
        return make_response(_form(FormState.invalid(request.form, error.messages_dict)), 422)
    except DomainError as error:
        state = FormState.failed(request.form, error)
        if error.code == "tenant.slug_taken":
            state = FormState(request.form, {"slug": "That address is taken; choose another."})
        return make_response(_form(state), 422)
    return redirect(url_for("signup.opening", tenant_id=tenant_id), 303)


@signup.get("/signup/address")
@public("The form says while typing whether an address is free", host="apex")
def address() -> str:
    """Say in one line whether an address can be had."""
    slug = request.args.get("slug", "").strip().lower()
    problem = registration.slug_state(runtime(), slug) if slug else "Use 3 to 40 characters."
    host = runtime().settings.tenant_url(slug).split("://", 1)[1].rstrip("/")
    return render_template("web/parts/slug_line.html", error=problem or "", ok="" if problem else f"{host} is free.")


@signup.get("/signup/<uuid:tenant_id>")
@public("The id is a secret of whoever signed up, and says nothing but progress", host="apex")
def opening(tenant_id: UUID) -> str:
    """Show how far the workspace is."""
    return render_template("doors/progress.html", **_progress(tenant_id))


@signup.get("/signup/<uuid:tenant_id>/part")
@public("The id is a secret of whoever signed up, and says nothing but progress", host="apex")
def opening_part(tenant_id: UUID) -> str:
    """Answer the part of the page that changes."""
    return render_template("doors/progress_part.html", partial=True, **_progress(tenant_id))


@signup.post("/signup/<uuid:tenant_id>/retry")
@public("The id is a secret of whoever signed up; a failed start may be tried again", host="apex")
def retry(tenant_id: UUID) -> BaseResponse:
    """Try a failed start again."""
    registration.retry(runtime(), tenant_id)
    return redirect(url_for("signup.opening", tenant_id=tenant_id), 303)


def _form(state: FormState) -> str:
    settings = runtime().settings
    return render_template(
        "doors/signup.html",
        form=state,
        suffix=settings.tenant_url("x").split("://x", 1)[1].rstrip("/"),
        slug_check=url_for("signup.address"),
        slug_ok="",
        tiers=list(tiers().values()),
        action=url_for("signup.start"),
    )


def _progress(tenant_id: UUID) -> dict[str, Any]:
    record, run = registration.status(runtime(), tenant_id)
    url = runtime().settings.tenant_url(record.slug, "/signin")
    return {
        **service.progress(record, run),
        "address": url.split("://", 1)[1].removesuffix("/signin"),
        "url": url,
        "retry": url_for("signup.retry", tenant_id=tenant_id) if record.status == "failed" else "",
        "poll": url_for("signup.opening_part", tenant_id=tenant_id),
        "pace": _EAGER if utcnow() - record.created_at < _SOON else _PATIENT,
        "refresh": 2,
    }
