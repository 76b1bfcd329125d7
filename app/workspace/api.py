"""The workspace over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from app.apidocs.spec import PREFIX
from app.kit.errors import NotFound
from app.workspace import service
from app.workspace.schemas import TenantChangeSchema, TenantSchema, UsageListSchema
from tenants.access import access
from tenants.context import Ctx
from tenants.edge import current
from tenants.quotas import quotas
from tenants.tiers import UNLIMITED

api = Blueprint("workspace_api", __name__, url_prefix=f"{PREFIX}/tenants", description="The workspace")


@api.route("/<uuid:tenant_id>", methods=["GET"])
@access("workspace.read")
@api.response(200, TenantSchema)
def get_tenant(tenant_id: UUID) -> dict[str, Any]:
    """Return the workspace of this credential."""
    return _shown(_own(tenant_id))


@api.route("/<uuid:tenant_id>", methods=["PUT"])
@access("workspace.settings.write")
@api.arguments(TenantChangeSchema)
@api.response(200, TenantSchema)
def change_tenant(data: dict[str, Any], tenant_id: UUID) -> dict[str, Any]:
    """Change the company's name."""
    ctx = _own(tenant_id)
    service.change_profile(ctx, company_name=data["company_name"])
    return {**_shown(ctx), "company_name": data["company_name"].strip()}


@api.route("/<uuid:tenant_id>/usage", methods=["GET"])
@access("workspace.read")
@api.response(200, UsageListSchema)
def usage(tenant_id: UUID) -> dict[str, Any]:
    """Return what is used of everything that the plan limits."""
    found = quotas(_own(tenant_id))
    return {
        "items": [
            {"metric": q.metric, "used": q.used, "limit": None if q.limit == UNLIMITED else q.limit, "left": q.left}
            for q in found
        ]
    }


def _own(tenant_id: UUID) -> Ctx:
    ctx = current()
    if tenant_id != ctx.tenant.id:
        raise NotFound
    return ctx


def _shown(ctx: Ctx) -> dict[str, Any]:
    tenant = ctx.tenant
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "company_name": tenant.company_name,
        "tier": tenant.tier.name,
        "isolation_model": tenant.isolation,
        "status": tenant.status,
        "region": tenant.region,
        "trial_ends_at": tenant.trial_ends_at,
        "limits": dict(tenant.limits),
        "features": dict(tenant.features),
        "created_at": tenant.created_at,
    }
