"""Asking somebody to join: the invitation, its mailed link, and taking it back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts import links, queries, throttle
from app.accounts.emails import normal_email
from app.accounts.errors import EmailUnverified, LinkSpent, NotInvited, UserExists
from app.accounts.events import InvitationRevoked, UserInvited, UserJoined
from app.accounts.letters import mail_invitation
from app.accounts.models import UserAccount
from app.accounts.service import list_in_directory, require_grant
from app.accounts.throttle import Try
from tenants import quotas
from tenants.context import Ctx


def invite(ctx: Ctx, *, email: str, role: str, name: str = "") -> UserAccount:
    """Ask somebody to join with `role`; the mail with the link leaves after the commit.

    Raises Forbidden, EmailUnverified, UserExists, LimitExceeded, TriedTooOften.
    """
    ctx.require("accounts.user.invite")
    require_grant(ctx, role)
    if ctx.actor.kind == "user" and not ctx.actor.email_verified:
        raise EmailUnverified("Invitations carry your name, so they wait until your address is confirmed.")
    throttle.demand(ctx, Try(throttle.INVITE, "all"))
    quotas.reserve(ctx, "users")
    user = UserAccount(
        email=email,
        email_norm=normal_email(email),
        name=name,
        role=role,
        status="invited",
        invited_by=ctx.actor.id,
        invited_at=ctx.now,
    )
    _add_person(ctx, user)
    mail_invitation(ctx, user, inviter=_inviter(ctx))
    ctx.emit(UserInvited(aggregate_id=user.id, role=role))
    return user


def resend(ctx: Ctx, *, user_id: UUID) -> UserAccount:
    """Mail the invitation again; it stands for another seven days, and the earlier link ends.

    Raises Forbidden, NotFound, NotInvited, TriedTooOften.
    """
    ctx.require("accounts.user.invite")
    user = _invited(ctx, user_id)
    throttle.demand(ctx, Try(throttle.INVITE, "all"), Try(throttle.VERIFY, str(user.id)))
    user.invited_at = ctx.now
    mail_invitation(ctx, user, inviter=_inviter(ctx))
    return user


def revoke(ctx: Ctx, *, user_id: UUID) -> None:
    """Take an invitation back and free its seat.

    Raises Forbidden, NotFound, NotInvited.
    """
    ctx.require("accounts.user.invite")
    user = _invited(ctx, user_id)
    ctx.db.delete(user)
    ctx.db.flush()
    quotas.release(ctx, "users")
    ctx.emit(InvitationRevoked(aggregate_id=user_id))


def renew(ctx: Ctx, *, token: str) -> None:
    """Mail a new link to whoever opened an invitation's link too late. Does nothing for any other token.

    Raises TriedTooOften.
    """
    user = links.find_user(ctx, purpose="invite", token=token, stale=True)
    if user is None or not _stands(ctx, user):
        return
    throttle.demand(ctx, Try(throttle.VERIFY, str(user.id)))
    names = queries.names_of(ctx, [user.invited_by] if user.invited_by else [])
    mail_invitation(ctx, user, inviter=next(iter(names.values()), ctx.tenant.company_name))


def find(ctx: Ctx, *, token: str, stale: bool = False) -> UserAccount | None:
    """Return who is invited by the link, or None when it is spent. `stale`: the link's hour may be over."""
    user = links.find_user(ctx, purpose="invite", token=token, stale=stale)
    return user if user is not None and _stands(ctx, user) else None


def accept(ctx: Ctx, *, token: str, name: str, password_hash: str) -> UserAccount:
    """Turn an invitation into an account; the mailed link has proven the address.

    Raises LinkSpent.
    """
    user = queries.get_user(ctx, user_id=links.use(ctx, purpose="invite", token=token), lock=True)
    if not _stands(ctx, user):
        raise LinkSpent("Ask the person who invited you for a new one.")
    user.name, user.password_hash = name or user.name, password_hash
    user.status, user.email_verified_at = "active", ctx.now
    ctx.db.flush()
    ctx.emit(UserJoined(aggregate_id=user.id, role=user.role))
    list_in_directory(ctx, user.id)
    return user


def _add_person(ctx: Ctx, user: UserAccount) -> None:
    if queries.find_user_by_email(ctx, email=user.email) is not None:
        raise UserExists(f"{user.email} has an account or an invitation here.")
    try:
        with ctx.db.begin_nested():
            ctx.db.add(user)
            ctx.db.flush()
    except IntegrityError:
        raise UserExists(f"{user.email} was added a moment ago.") from None


def _invited(ctx: Ctx, user_id: UUID) -> UserAccount:
    user = queries.get_user(ctx, user_id=user_id, lock=True)
    if user.status != "invited":
        raise NotInvited("There is no open invitation for this person.")
    return user


def _stands(ctx: Ctx, user: UserAccount) -> bool:
    """Say whether the invitation is open and not too old."""
    return (
        user.status == "invited" and user.invited_at is not None and ctx.now - user.invited_at < links.INVITATION_STANDS
    )


def _inviter(ctx: Ctx) -> str:
    return ctx.actor.name or ctx.actor.email or ctx.tenant.company_name
