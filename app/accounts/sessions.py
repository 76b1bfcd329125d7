"""Sign-ins as rows: opened, kept alive, and ended. Refresh tokens belong to one session, which is their family."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import CursorResult, select, update

from app.accounts import opaque
from app.accounts.actors import forget_session, forget_user
from app.accounts.models import AuthToken, LoginSession, UserAccount
from app.kit.crypto import derive
from tenants.context import Ctx

# A browser's session ends after this long without a request, and after this long in any case (SESS-02).
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# An API client's: each refresh token waits this long for its use, and the family ends after this long in any case.
REFRESH_WAITS = timedelta(days=14)
FAMILY_LASTS = timedelta(days=30)
MAX_SESSIONS = 20
_UNSPENT = ("issued", "active")
_SILENT = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the door, as far as the connection tells."""

    ip: str = ""
    user_agent: str = ""


def open_web(ctx: Ctx, *, user: UserAccount, visitor: Visitor) -> tuple[LoginSession, str]:
    """Open a browser's session; return it and the value of its cookie."""
    token = opaque.mint(opaque.SESSION, ctx.tenant.id)
    row = _open(ctx, user, visitor, kind="web", token_hash=opaque.digest(token), lasts=LONGEST)
    return row, token


def open_api(ctx: Ctx, *, user: UserAccount, visitor: Visitor) -> tuple[LoginSession, str]:
    """Open an API client's session; return it and its first refresh token."""
    row = _open(ctx, user, visitor, kind="api", token_hash=None, lasts=FAMILY_LASTS)
    token = opaque.mint(opaque.REFRESH, ctx.tenant.id)
    add_refresh(ctx, row, token, generation=1)
    return row, token


def _open(
    ctx: Ctx, user: UserAccount, visitor: Visitor, *, kind: str, token_hash: str | None, lasts: timedelta
) -> LoginSession:
    _make_room(ctx, user.id)
    row = LoginSession(
        user_id=user.id,
        kind=kind,
        token_hash=token_hash,
        created_at=ctx.now,
        last_seen_at=ctx.now,
        expires_at=ctx.now + lasts,
        ip=visitor.ip[:64],
        user_agent=_printable(visitor.user_agent)[:300],
    )
    ctx.db.add(row)
    ctx.db.flush()
    return row


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text).encode("utf-8", "replace").decode()


def _make_room(ctx: Ctx, user_id: UUID) -> None:
    """End the oldest sessions beyond the number that one person may have."""
    live = select(LoginSession.id).where(
        LoginSession.tenant_id == ctx.tenant.id, LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None)
    )
    oldest = live.order_by(LoginSession.created_at.desc(), LoginSession.id.desc()).offset(MAX_SESSIONS - 1)
    for session_id in ctx.db.scalars(oldest):
        revoke(ctx, session_id=session_id, reason="too_many")


def add_refresh(ctx: Ctx, session: LoginSession, token: str, *, generation: int) -> None:
    """Add the refresh token of `generation` to the session's family."""
    ctx.db.add(
        AuthToken(
            session_id=session.id,
            generation=generation,
            token_hash=opaque.digest(token),
            issued_at=ctx.now,
            expires_at=min(ctx.now + REFRESH_WAITS, session.expires_at),
        )
    )
    ctx.db.flush()


def successor_of(ctx: Ctx, token: str) -> str:
    """Return the one token that may follow `token`.

    Made from it, and not drawn: a client whose answer was lost can be given the same one without our keeping it.
    """
    key = derive(ctx.runtime.settings.secret_key, "accounts/refresh/v1")
    return opaque.spell(opaque.REFRESH, ctx.tenant.id, hmac.digest(key, token.encode(), hashlib.sha256))


def revoke(ctx: Ctx, *, session_id: UUID, reason: str) -> bool:
    """End a session and its tokens; return False when it had ended before."""
    ended = ctx.db.execute(
        update(LoginSession)
        .where(
            LoginSession.tenant_id == ctx.tenant.id, LoginSession.id == session_id, LoginSession.revoked_at.is_(None)
        )
        .values(revoked_at=ctx.now, revoke_reason=reason),
        execution_options=_SILENT,
    )
    ctx.db.execute(
        update(AuthToken)
        .where(AuthToken.tenant_id == ctx.tenant.id, AuthToken.session_id == session_id, AuthToken.state.in_(_UNSPENT))
        .values(state="revoked"),
        execution_options=_SILENT,
    )
    forget_session(ctx, session_id)
    return isinstance(ended, CursorResult) and ended.rowcount > 0


def revoke_all(ctx: Ctx, *, user_id: UUID, reason: str, but: UUID | None = None) -> None:
    """End all sessions of a person, except `but`."""
    query = select(LoginSession.id).where(
        LoginSession.tenant_id == ctx.tenant.id, LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None)
    )
    for session_id in ctx.db.scalars(query).all():
        if session_id != but:
            revoke(ctx, session_id=session_id, reason=reason)
    forget_user(ctx, user_id)


def revoke_by_token(ctx: Ctx, *, token: str, reason: str) -> None:
    """End the browser's session that `token` opens, if there is one."""
    query = select(LoginSession.id).where(
        LoginSession.tenant_id == ctx.tenant.id, LoginSession.token_hash == opaque.digest(token)
    )
    session_id = ctx.db.scalar(query)
    if session_id is not None:
        revoke(ctx, session_id=session_id, reason=reason)
