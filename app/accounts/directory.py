"""The login directory: which workspaces an address can sign in to, by keyed hash. It answers by mail only."""

from __future__ import annotations

from uuid import UUID

import orjson
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.emails import directory_mac
from app.kit.clock import utcnow
from app.kit.crypto import seal, unseal
from app.kit.jobs.queueing import enqueue_platform
from app.notifications.compose import Letter, compose
from app.notifications.gateway import send
from tenants.models import LoginDirectory, TenantRecord
from tenants.runtime import Runtime

FIND = "accounts.find"
_PURPOSE = "find:workspace"
# One mail to one address in this many seconds.
_QUIET = 600


def enter(runtime: Runtime, tenant_id: UUID, *, email: str, present: bool) -> None:
    """Enter the address for the tenant, or take it out."""
    mac = directory_mac(runtime.settings, email)
    with runtime.control() as session:
        if present:
            session.execute(insert(LoginDirectory).values(email_mac=mac, tenant_id=tenant_id).on_conflict_do_nothing())
        else:
            session.execute(
                delete(LoginDirectory).where(LoginDirectory.email_mac == mac, LoginDirectory.tenant_id == tenant_id)
            )


def ask(runtime: Runtime, *, email: str) -> None:
    """Have the workspaces of an address mailed to it; the same work for every address."""
    now = utcnow()
    slot = int(now.timestamp()) // _QUIET
    sealed = seal(runtime.settings.secret_key, _PURPOSE, orjson.dumps(email))
    with runtime.control() as session:
        enqueue_platform(
            session,
            runtime.jobs.get(FIND),
            {"sealed": sealed},
            now=now,
            dedupe_key=f"find:{directory_mac(runtime.settings, email)}:{slot}",
        )


def mail_workspaces(runtime: Runtime, *, sealed: str, message_id: str) -> None:
    """Mail the workspaces of the sealed address to it; an address without any gets nothing."""
    email: str = orjson.loads(unseal(runtime.settings.secret_key, _PURPOSE, sealed))
    places = _places(runtime, email)
    if places:
        letter = Letter(email, "find_workspace", {"email": email, "places": places}, "Terrace", message_id)
        send(runtime.settings, compose(runtime.settings, letter))


def _places(runtime: Runtime, email: str) -> list[dict[str, str]]:
    query = (
        select(TenantRecord.company_name, TenantRecord.slug)
        .join(LoginDirectory, LoginDirectory.tenant_id == TenantRecord.id)
        .where(LoginDirectory.email_mac == directory_mac(runtime.settings, email), TenantRecord.status == "active")
        .order_by(TenantRecord.company_name)
        .limit(50)
    )
    with runtime.control() as session:
        rows = session.execute(query).all()
    return [{"name": row.company_name, "url": runtime.settings.tenant_url(row.slug, "/signin")} for row in rows]
