"""The life of a tenant after its birth: suspend, resume, and what it may have differently from its tier."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.kit.errors import Conflict, Invalid
from tenants.errors import NoSuchTenant
from tenants.models import TenantRecord, TierOverride
from tenants.runtime import Runtime
from tenants.tiers import UNLIMITED, tiers


def suspend(runtime: Runtime, tenant_id: UUID, *, reason: str) -> None:
    """Close every door of an active tenant; every process knows within seconds.

    Raises NoSuchTenant, Conflict when it is not active.
    """
    _move(runtime, tenant_id, before="active", after="suspended", reason=reason)


def resume(runtime: Runtime, tenant_id: UUID) -> None:
    """Open a suspended tenant again.

    Raises NoSuchTenant, Conflict when it is not suspended.
    """
    _move(runtime, tenant_id, before="suspended", after="active", reason="")


def override(
    runtime: Runtime, tenant_id: UUID, *, name: str, value: int, reason: str, expires_at: datetime | None, by: str
) -> None:
    """Give a tenant a limit (a count, -1: none) or a feature (0 or 1) that differs from its tier, until `expires_at`.

    Replaces an earlier override of the same name. Raises NoSuchTenant, and Invalid for a name or value that cannot be.
    """
    with runtime.control() as session:
        record = session.get(TenantRecord, tenant_id, with_for_update=True)
        if record is None:
            raise NoSuchTenant
        tier = tiers()[record.tier]
        kind = "limit" if name in tier.limits else "feature"
        if kind == "feature" and name not in tier.features:
            raise Invalid(f"Choose one of {', '.join([*tier.limits, *tier.features])}.")
        if value < UNLIMITED or (kind == "feature" and value not in (0, 1)):
            raise Invalid("A limit is a number from 0, or -1 for none; a feature is 0 or 1.")
        known = select(TierOverride).where(
            TierOverride.tenant_id == tenant_id, TierOverride.kind == kind, TierOverride.name == name
        )
        row = session.scalar(known) or TierOverride(tenant_id=tenant_id, kind=kind, name=name)
        row.value, row.reason, row.expires_at, row.created_by = value, reason, expires_at, by
        session.add(row)
        record.version += 1
    runtime.resolver.changed(tenant_id)


def _move(runtime: Runtime, tenant_id: UUID, *, before: str, after: str, reason: str) -> None:
    with runtime.control() as session:
        record = session.get(TenantRecord, tenant_id, with_for_update=True)
        if record is None:
            raise NoSuchTenant
        if record.status != before:
            raise Conflict(f"The tenant is {record.status}, not {before}.", code="tenant.wrong_status")
        record.status, record.status_reason = after, reason
        record.version += 1
    runtime.resolver.changed(tenant_id)
