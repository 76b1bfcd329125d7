"""The life of a tenant after its birth: suspend and resume."""

from __future__ import annotations

from uuid import UUID

from app.kit.errors import Conflict
from tenants.errors import NoSuchTenant
from tenants.models import TenantRecord
from tenants.runtime import Runtime


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
