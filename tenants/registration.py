"""A company signs up: the tenant's control rows and its provisioning job, in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.kit.clock import utcnow
from app.kit.errors import Conflict, Invalid, NotFound
from app.kit.ids import new_id
from app.kit.jobs.queueing import enqueue_platform
from tenants.errors import NoSuchTenant
from tenants.models import ProvisioningRun, SlugHold, TenantRecord
from tenants.runtime import Runtime
from tenants.sessions import ControlSession
from tenants.slugs import slug_problem
from tenants.tiers import tiers

PROVISION = "tenants.provision"
STEPS = ("reserved", "placed", "furnished", "secured", "opened")


class SlugTaken(Conflict):
    """Another workspace has this address."""

    code, title = "tenant.slug_taken", "That address is taken"


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a company sends. `password_hash` is what will be stored; `digest` stands for the whole request."""

    company_name: str
    slug: str
    admin_email: str
    password_hash: str
    tier: str = "basic"
    region: str = "local"
    admin_name: str = ""
    key: str | None = None
    digest: str = ""


def slug_state(runtime: Runtime, slug: str) -> str | None:
    """Return the sentence that says why `slug` cannot be had, or None when it is free."""
    problem = slug_problem(slug)
    if problem:
        return problem
    with runtime.control() as session:
        return "That address is taken." if _taken(session, slug) else None


def register(runtime: Runtime, signup: SignUp) -> UUID:
    """Reserve the address and start provisioning; return the tenant's id. A retry with the same key gets the same id.

    Raises Invalid for a slug or tier that cannot be or a key that was used for another request, and SlugTaken.
    """
    problem = slug_problem(signup.slug)
    if problem:
        raise Invalid.field("slug", problem)
    if signup.tier not in tiers():
        raise Invalid.field("tier", f"Choose one of {', '.join(tiers())}.")
    try:
        with runtime.control() as session:
            known = _same_request(session, signup)
            return known or _insert(runtime, session, signup)
    except (IntegrityError, SlugTaken) as error:
        # Two sign-ups at once: the database let one through. A twin of the same request gets that one's answer.
        with runtime.control() as session:
            known = _same_request(session, signup)
        if known:
            return known
        raise SlugTaken("Choose another address; this one is taken.") from error


def _insert(runtime: Runtime, session: ControlSession, signup: SignUp) -> UUID:
    if _taken(session, signup.slug):
        raise SlugTaken("Choose another address.")
    now = utcnow()
    record = TenantRecord(
        id=new_id(),
        slug=signup.slug,
        company_name=signup.company_name,
        admin_email=signup.admin_email,
        tier=signup.tier,
        region=signup.region,
        trial_ends_at=now + timedelta(days=runtime.settings.trial_days),
        signup_key=_key(signup),
        signup_digest=signup.digest,
    )
    session.add(record)
    session.flush()
    admin = {"email": signup.admin_email, "name": signup.admin_name, "password_hash": signup.password_hash}
    steps = [{"name": "reserved", "seconds": 0.0}]
    session.add(ProvisioningRun(tenant_id=record.id, step="placed", steps=steps, first_admin=admin))
    session.flush()
    enqueue_platform(session, runtime.jobs.get(PROVISION), {"tenant_id": str(record.id)}, now=now)
    return record.id


def retry(runtime: Runtime, tenant_id: UUID) -> None:
    """Start the provisioning of a failed tenant again.

    Raises NoSuchTenant for an unknown id and Conflict unless the tenant's making has failed.
    """
    with runtime.control() as session:
        record = session.get(TenantRecord, tenant_id, with_for_update=True)
        if record is None:
            raise NoSuchTenant
        if record.status != "failed":
            raise Conflict("Only a failed workspace can be tried again.", code="tenant.not_failed")
        run = session.get_one(ProvisioningRun, tenant_id)
        record.status, record.status_reason = "provisioning", ""
        run.state, run.error = "running", ""
        enqueue_platform(session, runtime.jobs.get(PROVISION), {"tenant_id": str(tenant_id)}, now=utcnow())
    runtime.resolver.changed(tenant_id)


def status(runtime: Runtime, tenant_id: UUID) -> tuple[TenantRecord, ProvisioningRun]:
    """Return the tenant and how far its making has come.

    Raises NotFound for an id that no tenant has.
    """
    with runtime.control() as session:
        record, run = session.get(TenantRecord, tenant_id), session.get(ProvisioningRun, tenant_id)
        if record is None or run is None:
            raise NotFound
        return record, run


def _taken(session: ControlSession, slug: str) -> bool:
    if session.scalar(select(TenantRecord.id).where(TenantRecord.slug == slug)) is not None:
        return True
    held = select(SlugHold.slug).where(SlugHold.slug == slug, SlugHold.held_until > utcnow())
    return session.scalar(held) is not None


def _same_request(session: ControlSession, signup: SignUp) -> UUID | None:
    if signup.key is None:
        return None
    known = session.scalar(select(TenantRecord).where(TenantRecord.signup_key == _key(signup)))
    if known is None:
        return None
    if known.signup_digest != signup.digest:
        raise Invalid("This Idempotency-Key was used for another request.", code="idempotency.mismatch")
    return known.id


def _key(signup: SignUp) -> str | None:
    return hashlib.sha256(signup.key.encode()).hexdigest() if signup.key else None
