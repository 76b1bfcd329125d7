"""Settings in the browser."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from babel.numbers import get_currency_name
from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from marshmallow import EXCLUDE, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from app.kit.errors import DomainError
from app.kit.money import currencies
from app.web import brand
from app.web.forms import FormState
from app.workspace import service
from app.workspace.schemas import GeneralFormSchema
from tenants.access import access
from tenants.context import Ctx
from tenants.edge import current
from tenants.quotas import Quota, quotas
from tenants.tiers import UNLIMITED, tiers

workspace = Blueprint("workspace", __name__, template_folder="templates")

_AT_LIMIT = {
    "products": "At the limit no new product can be made; all others stay and sell.",
    "orders": "At the limit no new order is taken; those you have go on.",
    "users": "At the limit invitations wait until a place is free. Nobody loses access.",
}


@workspace.get("/settings")
@access("workspace.read")
def general() -> str:
    """Show the general settings."""
    ctx = current()
    row = service.settings(ctx)
    values = {"company_name": ctx.tenant.company_name, "timezone": row.time_zone, "currency": row.currency}
    return _general(ctx, FormState(values), row.row_version)


@workspace.post("/settings")
@access("workspace.settings.write")
def save_general() -> Response | BaseResponse:
    """Save the general settings."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            data = GeneralFormSchema(unknown=EXCLUDE).load(request.form)
            service.change_settings(ctx, version=data["version"], currency=data["currency"], time_zone=data["timezone"])
            service.change_profile(ctx, company_name=data["company_name"])
    except ValidationError as error:
        state = FormState.invalid(request.form, error.messages_dict)
        return make_response(_general(ctx, state, service.settings(ctx).row_version), 422)
    except DomainError as error:
        state = FormState.failed(request.form, error)
        return make_response(_general(ctx, state, service.settings(ctx).row_version), error.status)
    flash("Settings saved", "toast")
    return redirect(url_for("workspace.general"), 303)


@workspace.get("/settings/brand")
@access("workspace.read")
def brand_colour() -> str:
    """Show the colour and what it looks like."""
    return _brand(current(), FormState())


@workspace.post("/settings/brand")
@access("workspace.settings.write", feature="custom_branding")
def save_brand() -> Response | BaseResponse:
    """Save the colour."""
    ctx = current()
    try:
        service.change_profile(ctx, brand_colour=brand.parse_colour(request.form.get("colour", "")))
    except brand.BadColour as error:
        return make_response(_brand(ctx, FormState(request.form, {"colour": str(error)})), 422)
    flash("Colour saved", "toast")
    return redirect(url_for("workspace.brand_colour"), 303)


@workspace.get("/settings/brand/preview")
@access("workspace.read")
def brand_preview() -> str:
    """Show what a colour would look like."""
    return render_template("web/settings/brand_preview.html", **_preview(request.args.get("colour", "")))


@workspace.get("/settings/plan")
@access("workspace.read")
def plan() -> str:
    """Show the plan and what is used of it."""
    ctx = current()
    tenant = ctx.tenant
    used = [_bar(quota) for quota in quotas(ctx)]
    return render_template(
        "web/settings/usage.html",
        tier=tenant.tier,
        status="trial" if tenant.trial_ends_at and tenant.trial_ends_at > ctx.now else tenant.status,
        trial_ends_at=tenant.trial_ends_at,
        price="",
        usage=used,
        alert=_alert(ctx),
        rate=tenant.tier.rate,
        may_change=ctx.actor.may("workspace.plan.write"),
        tiers=list(tiers().values()),
        change=url_for("workspace.change_plan") if ctx.actor.may("workspace.plan.write") else "",
    )


@workspace.post("/settings/plan")
@access("workspace.plan.write")
def change_plan() -> BaseResponse:
    """Change the plan at once."""
    try:
        service.change_tier(current(), request.form.get("tier", ""))
    except DomainError as error:
        flash(error.detail or error.title, "problem")
    else:
        flash("Plan changed", "toast")
    return redirect(url_for("workspace.plan"), 303)


def _general(ctx: Ctx, state: FormState, version: int) -> str:
    return render_template(
        "web/settings/general.html",
        form=state,
        version=version,
        address=g.host,
        timezones=[(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())],
        currencies=[(code, f"{code}, {get_currency_name(code, locale='en')}") for code in sorted(currencies())],
        action=url_for("workspace.save_general"),
        may_edit=ctx.actor.may("workspace.settings.write"),
    )


def _brand(ctx: Ctx, state: FormState) -> str:
    return render_template(
        "web/settings/brand.html",
        form=state,
        colour=ctx.tenant.brand_colour,
        version=ctx.tenant.version,
        action=url_for("workspace.save_brand"),
        preview=url_for("workspace.brand_preview"),
        allowed=ctx.tenant.has_feature("custom_branding"),
        may_edit=ctx.actor.may("workspace.settings.write"),
        upgrade=url_for("workspace.plan"),
        **_preview(state.values.get("colour") or ctx.tenant.brand_colour),
    )


def _preview(text: str) -> dict[str, Any]:
    try:
        colour = brand.parse_colour(text)
    except brand.BadColour as error:
        return {"shown": brand.DEFAULT, "ratio": brand.contrast(brand.DEFAULT, "#ffffff"), "advice": str(error)}
    return {"shown": colour, "ratio": brand.contrast(colour, "#ffffff"), "advice": brand.advice(colour)}


def _bar(quota: Quota) -> dict[str, Any]:
    return {
        "name": {"users": "People"}.get(quota.metric, quota.metric.capitalize()),
        "used": quota.used,
        "limit": None if quota.limit == UNLIMITED else quota.limit,
        "text": _AT_LIMIT.get(quota.metric, ""),
    }


def _alert(ctx: Ctx) -> tuple[str, str] | None:
    full = [q.metric for q in quotas(ctx) if q.left == 0]
    if not full:
        return None
    return (
        f"Your limit for {' and '.join(full)} is reached.",
        f"An owner of {ctx.tenant.company_name} can choose a larger plan below. Nothing that you have is lost.",
    )
