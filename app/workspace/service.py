"""What an administrator does to the workspace itself: its name, colour, habits and plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.kit.errors import Conflict, Invalid, StaleVersion
from app.workspace.models import Workspace
from tenants.context import Ctx
from tenants.errors import FeatureOff
from tenants.models import TenantRecord
from tenants.quotas import quotas
from tenants.tiers import UNLIMITED, Tier, tiers


def provision(ctx: Ctx, first_admin: Mapping[str, Any]) -> None:
    """Give a new tenant its settings."""
    if ctx.db.scalar(select(Workspace)) is None:
        ctx.db.add(Workspace())
        ctx.db.flush()


def settings(ctx: Ctx) -> Workspace:
    """Return the workspace's settings."""
    return ctx.db.scalars(select(Workspace)).one()


def change_settings(ctx: Ctx, *, version: int, currency: str, time_zone: str) -> Workspace:
    """Save how the workspace counts money and time.

    Raises Forbidden, StaleVersion.
    """
    ctx.require("workspace.settings.write")
    row = settings(ctx)
    if row.row_version != version:
        raise StaleVersion("Someone else changed these settings. Look at theirs, then save again.")
    row.currency, row.time_zone = currency, time_zone
    ctx.db.flush()
    return row


def change_profile(ctx: Ctx, *, company_name: str | None = None, brand_colour: str | None = None) -> None:
    """Save the company's name or colour; every process shows it within seconds.

    Raises Forbidden, Invalid, FeatureOff.
    """
    ctx.require("workspace.settings.write")
    if company_name is not None and not company_name.strip():
        raise Invalid.field("company_name", "Write the company's name.")
    if brand_colour is not None and not ctx.tenant.has_feature("custom_branding"):
        raise FeatureOff(f"{ctx.tenant.tier.label} does not include a colour of your own; Premium does.")
    with ctx.runtime.control() as control:
        record = control.get_one(TenantRecord, ctx.tenant.id, with_for_update=True)
        record.company_name = company_name.strip() if company_name else record.company_name
        record.brand_colour = brand_colour or record.brand_colour
        record.version += 1
    ctx.runtime.resolver.changed(ctx.tenant.id)


def change_tier(ctx: Ctx, name: str) -> None:
    """Move to another tier of the same kind of placement, at once.

    Raises Forbidden, Invalid for an unknown tier, Conflict when the use is over the new limits or the rows would have
    to move.
    """
    ctx.require("workspace.plan.write")
    tier = tiers().get(name)
    if tier is None:
        raise Invalid.field("tier", f"Choose one of {', '.join(tiers())}.")
    if tier.placement != ctx.tenant.isolation:
        raise Conflict(f"{tier.label} keeps your data in another place. Ask the operator to move the workspace.")
    over = over_limits(ctx, tier)
    if over:
        raise Conflict(f"{tier.label} is too small for what you have: {'; '.join(over)}. Remove some first.")
    with ctx.runtime.control() as control:
        record = control.get_one(TenantRecord, ctx.tenant.id, with_for_update=True)
        record.tier = name
        record.version += 1
    ctx.runtime.resolver.changed(ctx.tenant.id)


def over_limits(ctx: Ctx, tier: Tier) -> list[str]:
    """Return a phrase for each metric whose use is over `tier`'s limit."""
    return [
        f"{quota.used:,} {quota.metric} of {tier.limits[quota.metric]:,}"
        for quota in quotas(ctx)
        if tier.limits[quota.metric] != UNLIMITED and quota.used > tier.limits[quota.metric]
    ]
