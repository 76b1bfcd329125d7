"""Removes what is over: ended sessions with their tokens, used links, counters nobody counts on.

A row stays five minutes past its end, so that a late or racing request is still told the truth about it: expired,
revoked or used, and not merely unknown.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_, select, update

from app.accounts.models import AuthToken, LoginSession, OneTimeToken, Throttle
from app.accounts.tokens import GRACE, LIFETIME
from app.kit.jobs.ledger import database_now
from tenants.context import Ctx
from tenants.models import TenantRecord
from tenants.runtime import Runtime
from tenants.work import Work

# A revoked session outlives every access token that names it.
_AFTER_REVOCATION = LIFETIME + GRACE
_INVITES_STAY = timedelta(days=8)
_COUNTERS_STAY = timedelta(days=2)
_SILENT = {"synchronize_session": False}


def sweep_all(runtime: Runtime, work: Work) -> None:
    """Sweep every active tenant, each in a transaction of its own."""
    with runtime.control() as session:
        ids = session.scalars(select(TenantRecord.id).where(TenantRecord.status == "active")).all()
        # Not this machine's: a clock that is ahead would forget what still counts.
        now = database_now(session)
    for number, tenant_id in enumerate(ids):
        work.progress(number / len(ids))
        with runtime.tenant(tenant_id, now=now) as ctx:
            sweep(ctx)


def sweep(ctx: Ctx) -> None:
    """Sweep one tenant."""
    mine = ctx.tenant.id
    ctx.db.execute(
        update(AuthToken)
        .where(AuthToken.tenant_id == mine, AuthToken.state.in_(("issued", "active")), AuthToken.expires_at < ctx.now)
        .values(state="expired"),
        execution_options=_SILENT,
    )
    ctx.db.execute(
        delete(LoginSession).where(
            LoginSession.tenant_id == mine,
            or_(LoginSession.expires_at < ctx.now - GRACE, LoginSession.revoked_at < ctx.now - _AFTER_REVOCATION),
        ),
        execution_options=_SILENT,
    )
    ctx.db.execute(
        delete(OneTimeToken).where(
            OneTimeToken.tenant_id == mine,
            or_(
                OneTimeToken.expires_at < ctx.now - _INVITES_STAY,
                (OneTimeToken.purpose != "invite") & (OneTimeToken.expires_at < ctx.now - GRACE),
            ),
        ),
        execution_options=_SILENT,
    )
    ctx.db.execute(
        delete(Throttle).where(
            Throttle.tenant_id == mine,
            Throttle.window_from < ctx.now - _COUNTERS_STAY,
            or_(Throttle.blocked_until.is_(None), Throttle.blocked_until < ctx.now),
        ),
        execution_options=_SILENT,
    )
