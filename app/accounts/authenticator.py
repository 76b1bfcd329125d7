"""From a bearer token or a session cookie to an actor.

The first step needs no database: a token is checked by its signature, a cookie says itself which tenant it is of. The
second reads session and person in one query, and remembers the answer for two seconds (`actors.py`). So sign-out,
revocation, suspension and a changed role hold within two seconds in every process, whatever a token says.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Request
from sqlalchemy import ColumnElement, select, update

from app.access.policy import permissions_of
from app.accounts import cookies, opaque, tokens
from app.accounts.actors import CACHE
from app.accounts.errors import TokenExpired, TokenInvalid, UserInactive
from app.accounts.models import AuthToken, LoginSession, UserAccount
from app.accounts.sessions import IDLE
from app.kit.auth import Claim
from app.kit.clock import utcnow
from tenants.context import Actor, Ctx
from tenants.edge import runtime

# Writing "last seen" at every request would cost a write for each.
_SEEN_EVERY = timedelta(seconds=60)
_SESSION, _USER = LoginSession.__table__, UserAccount.__table__
_COLUMNS = (
    _SESSION.c.id,
    _SESSION.c.user_id,
    _SESSION.c.kind,
    _SESSION.c.last_seen_at,
    _SESSION.c.expires_at,
    _SESSION.c.activated_at,
    _SESSION.c.revoked_at,
    _USER.c.status,
    _USER.c.role,
    _USER.c.name,
    _USER.c.email,
    _USER.c.email_verified_at,
)


class BearerAuthenticator:
    """Access tokens in the Authorization header."""

    def claim(self, request: Request) -> Claim | None:
        """Return what the token says, or None without one.

        Raises TokenInvalid, TokenExpired.
        """
        header = request.headers.get("Authorization")
        if header is None:
            return None
        access = tokens.verifier(runtime().settings).verify(bearer_token(header), now=utcnow())
        return Claim("bearer", access.tenant_id, access)

    def actor(self, ctx: Ctx, claim: Claim) -> Actor:
        """Return the token's owner.

        Raises TokenInvalid when its session ended, UserInactive.
        """
        access: tokens.Access = claim.subject
        return _actor(ctx, ("api", access.session_id), access.session_id, lambda: _SESSION.c.id == access.session_id)


class CookieAuthenticator:
    """Browsers' sessions."""

    def claim(self, request: Request) -> Claim | None:
        """Return what the cookie says, or None without one; a cookie of another form is none."""
        token = cookies.read(runtime().settings, request, "session")
        tenant_id = opaque.tenant_of(opaque.SESSION, token)
        return Claim("session", tenant_id, token) if tenant_id else None

    def actor(self, ctx: Ctx, claim: Claim) -> Actor:
        """Return the session's owner.

        Raises TokenInvalid, TokenExpired, UserInactive.
        """
        name = opaque.digest(claim.subject)
        return _actor(ctx, ("web", name), None, lambda: _SESSION.c.token_hash == name)


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header.

    Raises TokenInvalid for another scheme.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid("Send the access token as Bearer.", headers=tokens.refused("invalid_request"))
    return token.strip()


def _actor(ctx: Ctx, key: Hashable, session_id: UUID | None, condition: Callable[[], ColumnElement[bool]]) -> Actor:
    """Return who the session of `condition` belongs to; the condition is only made when nobody remembers."""
    name = (ctx.tenant.id, key)
    known = CACHE.find(name)
    if known is not None:
        return known
    query = (
        select(*_COLUMNS)
        .join_from(_SESSION, _USER, (_USER.c.tenant_id == _SESSION.c.tenant_id) & (_USER.c.id == _SESSION.c.user_id))
        .where(_SESSION.c.tenant_id == ctx.tenant.id, condition())
    )
    row = _good(ctx, ctx.db.execute(query).one_or_none(), kind="api" if session_id else "web")
    _touch(ctx, row)
    actor = Actor(
        kind="user",
        id=row.user_id,
        name=row.name,
        email=row.email,
        role=row.role,
        permissions=permissions_of(row.role, ctx.runtime.permissions),
        session_id=row.id,
        email_verified=row.email_verified_at is not None,
    )
    CACHE.keep(name, actor, seconds=(row.expires_at - ctx.now).total_seconds())
    return actor


def _good(ctx: Ctx, row: Any, *, kind: str) -> Any:
    """Return `row` unless it may not act; a person who may not act is told so before anything about the session."""
    if row is None or row.kind != kind:
        raise TokenInvalid("Sign in again.", headers=tokens.refused())
    if row.status != "active":
        raise UserInactive("Ask an administrator to activate the account.")
    if row.revoked_at is not None:
        raise TokenInvalid("This sign-in was ended. Sign in again.", headers=tokens.refused())
    idle = kind == "web" and ctx.now - row.last_seen_at > IDLE
    if idle or row.expires_at <= ctx.now:
        raise TokenExpired("You were away for a while. Sign in again.", headers=tokens.refused())
    return row


def _touch(ctx: Ctx, row: Any) -> None:
    """Note that the session is in use; a twin of this request that notes it already is not waited for."""
    if row.activated_at is not None and ctx.now - row.last_seen_at < _SEEN_EVERY:
        return
    mine = LoginSession.tenant_id == ctx.tenant.id
    free = select(LoginSession.id).where(mine, LoginSession.id == row.id).with_for_update(skip_locked=True)
    ctx.db.execute(
        update(LoginSession)
        .where(mine, LoginSession.id == free.scalar_subquery())
        .values(last_seen_at=ctx.now, activated_at=row.activated_at or ctx.now)
        .execution_options(synchronize_session=False)
    )
    if row.activated_at is None and row.kind == "api":
        ctx.db.execute(
            update(AuthToken)
            .where(AuthToken.tenant_id == ctx.tenant.id, AuthToken.session_id == row.id, AuthToken.state == "issued")
            .values(state="active")
            .execution_options(synchronize_session=False)
        )
