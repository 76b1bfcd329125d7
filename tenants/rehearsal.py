"""A provisioning that is taken back before anybody sees it: a worker goes through it once, so that its forks find every
statement ready. Without it each sign-up would pay for what the first one of a process pays."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.kit.clock import utcnow
from app.kit.ids import new_id
from tenants.context import SYSTEM, Ctx
from tenants.errors import Unbound
from tenants.models import Placement, ProvisioningRun, TenantRecord, TierOverride
from tenants.placement import claim_spare, emptiest_pool
from tenants.resolver import tenant_of
from tenants.sessions import ControlSession
from tenants.tenant import Tenant

if TYPE_CHECKING:
    from tenants.runtime import Runtime

_ADMIN = {"email": "nobody@rehearsal.invalid", "name": "Nobody", "password_hash": "none"}


def rehearse(runtime: Runtime) -> Tenant:
    """Make a tenant in transactions that are rolled back, and return it."""
    tenant = _place(runtime)
    # An installation that is not migrated yet has no pool.
    with suppress(Unbound), runtime.tenant_session(tenant) as session:
        ctx = Ctx(tenant, SYSTEM, session, utcnow(), "", runtime)
        for hook in runtime.provision_hooks:
            hook(ctx, _ADMIN)
        session.rollback()
    return tenant


def _place(runtime: Runtime) -> Tenant:
    with ControlSession(runtime.databases.engine()) as session:
        now = utcnow()
        record = TenantRecord(id=new_id(), slug=f"rehearsal-{new_id().hex}", company_name="", admin_email="",
                              tier="basic", brand_colour="#000000", created_at=now, updated_at=now)  # fmt: skip
        session.add(record)
        session.flush()
        session.add(ProvisioningRun(tenant_id=record.id, created_at=now, updated_at=now))
        session.flush()
        session.expire_all()
        session.get_one(TenantRecord, record.id, with_for_update=True)
        run = session.get_one(ProvisioningRun, record.id, with_for_update=True)
        claim_spare(session)
        place = emptiest_pool(session, runtime.settings)
        placement = Placement(tenant_id=record.id, isolation="pooled", database=place.database,
                              schema_name=place.schema, role_name=place.schema)  # fmt: skip
        session.add(placement)
        run.step, run.steps = "placed", [{"name": "placed", "seconds": 0.0}]
        session.flush()
        run.state, run.error, run.first_admin = "succeeded", "", {}
        record.status, record.version = "active", 2
        session.flush()
        session.scalars(select(TierOverride).where(TierOverride.tenant_id == record.id)).all()
        tenant = tenant_of(record, placement)
        session.rollback()
    return tenant
