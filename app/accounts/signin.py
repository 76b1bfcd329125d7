"""Signing in: two short transactions with the slow hash between them, so that no connection waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import update

from app.accounts import cookies, queries, recovery, refresh, sessions, throttle
from app.accounts.emails import normal_email
from app.accounts.errors import EmailUnverified, TokenInvalid, UserInactive, WrongCredentials
from app.accounts.models import LoginSession, UserAccount
from app.accounts.passwords import hash_password, verify_password
from app.accounts.refresh import Rotated
from app.accounts.sessions import Visitor
from app.accounts.throttle import Try
from app.accounts.tokens import refused
from tenants.context import ANONYMOUS, Ctx
from tenants.runtime import Runtime
from tenants.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody at the door says and carries."""

    email: str
    password: str
    visitor: Visitor
    # The value of the cookie that marks a browser this person has signed in with.
    device: str = ""
    # The session that the browser still carries; it ends when the new one begins.
    old_session: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who is in; `secret` is the cookie's value or the first refresh token."""

    user: UserAccount
    session: LoginSession
    secret: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    user: UserAccount | None
    tries: tuple[Try, ...]


class Doorman:
    """Lets people of one tenant in, for one request."""

    def __init__(self, runtime: Runtime, tenant: Tenant, request_id: str) -> None:
        self._runtime = runtime
        self._tenant = tenant
        self._request_id = request_id

    def sign_in(self, attempt: Attempt, *, kind: str) -> SignedIn:
        """Open a session of `kind` for whoever knows the password.

        Raises WrongCredentials, TriedTooOften, UserInactive, EmailUnverified.
        """
        candidate = self._count(attempt)
        user = candidate.user
        stored = user.password_hash if user is not None else None
        verdict = verify_password(self._runtime.settings, stored, attempt.password)
        if user is None or not verdict.right:
            raise WrongCredentials("Check the address and the password, or set a new password.")
        newer = hash_password(self._runtime.settings, attempt.password) if verdict.outdated else None
        with self._transaction() as ctx:
            throttle.forgive(ctx, candidate.tries, forget=[t for t in candidate.tries if t.rule in _PERSONAL])
            if newer:
                recovery.rehash(ctx, user_id=user.id, old=cast(str, stored), new=newer)
            return self._open(ctx, user, attempt, kind)

    def refresh(self, token: str) -> Rotated:
        """Exchange a refresh token for the next one.

        Raises TokenInvalid, UserInactive.
        """
        with self._transaction() as ctx:
            rotated = refresh.rotate(ctx, token=token)
        if rotated is None:
            raise TokenInvalid("Sign in again.", headers=refused())
        return rotated

    def sign_out(self, *, session_id: object = None, token: str = "") -> None:
        """End the session of this id, or the family of this refresh token."""
        with self._transaction() as ctx:
            found = queries.find_session(ctx, session_id=session_id, refresh_token=token)
            if found is not None:
                sessions.revoke(ctx, session_id=found, reason="signed_out")

    def _count(self, attempt: Attempt) -> _Candidate:
        with self._transaction() as ctx:
            user = queries.find_user_by_email(ctx, email=attempt.email)
            tries = self._tries(attempt, user)
            wait = throttle.charge(ctx, tries)
        if wait:
            raise throttle.too_often(wait)
        return _Candidate(user, tries)

    def _tries(self, attempt: Attempt, user: UserAccount | None) -> tuple[Try, ...]:
        settings = self._runtime.settings
        if user is not None and cookies.is_device_of(
            settings, attempt.device, tenant_id=self._tenant.id, user_id=user.id
        ):
            return (Try(throttle.DEVICE, str(user.id)),)
        return (
            Try(throttle.ACCOUNT, normal_email(attempt.email)),
            Try(throttle.ADDRESS, throttle.prefix_of(attempt.visitor.ip)),
            Try(throttle.TENANT, "all"),
        )

    def _open(self, ctx: Ctx, user: UserAccount, attempt: Attempt, kind: str) -> SignedIn:
        user = queries.get_user(ctx, user_id=user.id)
        if user.status == "suspended":
            raise UserInactive("Ask an administrator to activate the account.")
        if user.status != "active":
            raise EmailUnverified("Open the link we mailed you, then sign in.")
        if attempt.old_session:
            sessions.revoke_by_token(ctx, token=attempt.old_session, reason="signed_in_again")
        ctx.db.execute(
            update(UserAccount)
            .where(UserAccount.tenant_id == self._tenant.id, UserAccount.id == user.id)
            .values(last_login_at=ctx.now, updated_at=UserAccount.updated_at)
            .execution_options(synchronize_session=False)
        )
        opened = sessions.open_web if kind == "web" else sessions.open_api
        session, secret = opened(ctx, user=user, visitor=attempt.visitor)
        return SignedIn(user, session, secret)

    @contextmanager
    def _transaction(self) -> Iterator[Ctx]:
        with self._runtime.tenant(self._tenant, actor=ANONYMOUS, request_id=self._request_id) as ctx:
            yield ctx


_PERSONAL = (throttle.ACCOUNT, throttle.DEVICE)
