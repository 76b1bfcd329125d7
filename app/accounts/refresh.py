"""Refresh tokens: each is used once, and whoever brings one a second time ends the whole family.

The rotation is one conditional UPDATE, so of twenty requests at once one wins. The others, and a client whose answer
was lost, get the winner's successor again while it is the newest and for ten seconds; a token further back, or later,
is a copy in wrong hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.accounts import opaque, sessions
from app.accounts.errors import UserInactive
from app.accounts.events import RefreshReused
from app.accounts.models import AuthToken, LoginSession, UserAccount
from tenants.context import Ctx

TOLERANCE = timedelta(seconds=10)
_UNSPENT = ("issued", "active")


@dataclass(frozen=True, slots=True)
class Rotated:
    """The family's newest refresh token, and whose it is."""

    user: UserAccount
    session: LoginSession
    token: str


def rotate(ctx: Ctx, *, token: str) -> Rotated | None:
    """Spend `token` and return its successor, or None when it is not good.

    None may come with a revoked family, which the caller must commit. Raises UserInactive.
    """
    spent = ctx.db.execute(
        update(AuthToken)
        .where(
            AuthToken.tenant_id == ctx.tenant.id,
            AuthToken.token_hash == opaque.digest(token),
            AuthToken.state.in_(_UNSPENT),
            AuthToken.expires_at > ctx.now,
        )
        .values(state="refreshed", spent_at=ctx.now)
        .returning(AuthToken.session_id, AuthToken.generation),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if spent is None:
        return _come_again(ctx, token)
    live = _live(ctx, spent.session_id)
    if live is None:
        return None
    session, user = live
    fresh = sessions.successor_of(ctx, token)
    sessions.add_refresh(ctx, session, fresh, generation=spent.generation + 1)
    return Rotated(user, session, fresh)


def _come_again(ctx: Ctx, token: str) -> Rotated | None:
    """Answer a token that cannot be spent: a twin within the tolerance, a copy, or nothing we know."""
    row = ctx.db.scalars(select(AuthToken).where(AuthToken.token_hash == opaque.digest(token))).one_or_none()
    if row is None or row.state != "refreshed":
        return None
    live = _live(ctx, row.session_id)
    if live is None:
        return None
    session, user = live
    fresh = sessions.successor_of(ctx, token)
    if row.spent_at is not None and ctx.now - row.spent_at <= TOLERANCE and _is_newest(ctx, row, fresh):
        return Rotated(user, session, fresh)
    sessions.revoke(ctx, session_id=session.id, reason="refresh_reused")
    ctx.emit(RefreshReused(aggregate_id=user.id, session=str(session.id)))
    return None


def _is_newest(ctx: Ctx, row: AuthToken, fresh: str) -> bool:
    query = select(AuthToken.id).where(
        AuthToken.tenant_id == ctx.tenant.id,
        AuthToken.token_hash == opaque.digest(fresh),
        AuthToken.generation == row.generation + 1,
        AuthToken.state.in_(_UNSPENT),
    )
    return ctx.db.scalar(query) is not None


def _live(ctx: Ctx, session_id: UUID) -> tuple[LoginSession, UserAccount] | None:
    """Return the session and its person when both are good.

    Raises UserInactive.
    """
    query = (
        select(LoginSession, UserAccount)
        .join(
            UserAccount,
            (UserAccount.tenant_id == LoginSession.tenant_id) & (UserAccount.id == LoginSession.user_id),
        )
        .where(LoginSession.id == session_id)
    )
    found: Any = ctx.db.execute(query).one_or_none()
    if found is None:
        return None
    session, user = found
    if user.status != "active":
        raise UserInactive("Ask an administrator to activate the account.")
    if session.revoked_at is not None or session.expires_at <= ctx.now:
        return None
    return session, user
