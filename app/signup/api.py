"""Sign-up over the API: on the apex, for everybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for
from flask_smorest import Blueprint

from app.apidocs.spec import PREFIX
from app.signup import service
from app.signup.schemas import SignUpSchema, SlugSchema, StartedSchema, StatusSchema
from tenants import registration
from tenants.access import public
from tenants.edge import runtime

EXAMPLE = {
    "company_name": "Harbour Press",
    "slug": "harbour",
    "admin_email": "ada@harbour.example",
    "password": "a lighthouse in the fog",
    "tier": "basic",
}
api = Blueprint("signup_api", __name__, url_prefix=f"{PREFIX}/tenants", description="Open a workspace")


@api.route("", methods=["POST"])
@public("Whoever signs up has no account yet", host="apex")
@api.arguments(SignUpSchema, example=EXAMPLE)
@api.response(202, StartedSchema)
def start(data: dict[str, Any]) -> dict[str, Any]:
    """Open a workspace.

    Answers at once; ask `status_url` until the status is `active`.
    """
    tenant_id = service.sign_up(
        runtime(), data, key=request.headers.get("Idempotency-Key"), visitor=request.remote_addr or ""
    )
    return {"id": tenant_id, "status": "provisioning", "status_url": _status_url(tenant_id)}


@api.route("/<uuid:tenant_id>/provisioning", methods=["GET"])
@public("The id is a secret of whoever signed up, and says nothing but progress", host="apex")
@api.response(200, StatusSchema)
def status(tenant_id: UUID) -> dict[str, Any]:
    """Say how far the making of a workspace has come."""
    record, run = registration.status(runtime(), tenant_id)
    return {
        "id": record.id,
        "status": record.status,
        "step": run.step,
        "steps": run.steps,
        "url": runtime().settings.tenant_url(record.slug),
        **({"error": run.error} if record.status == "failed" else {}),
    }


@api.route("/<uuid:tenant_id>/provisioning", methods=["POST"])
@public("The id is a secret of whoever signed up; a failed start may be tried again", host="apex")
@api.response(202, StartedSchema)
def retry(tenant_id: UUID) -> dict[str, Any]:
    """Try a failed start again."""
    registration.retry(runtime(), tenant_id)
    return {"id": tenant_id, "status": "provisioning", "status_url": _status_url(tenant_id)}


@api.route("/slugs/<slug>", methods=["GET"])
@public("The form says while typing whether an address is free", host="apex")
@api.response(200, SlugSchema)
def slug(slug: str) -> dict[str, Any]:
    """Say whether an address can be had."""
    reason = registration.slug_state(runtime(), slug)
    return {"slug": slug, "available": reason is None, "reason": reason}


def _status_url(tenant_id: UUID) -> str:
    return runtime().settings.base_url + url_for("signup_api.status", tenant_id=tenant_id)
