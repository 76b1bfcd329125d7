"""Proving an address, setting a new password, and opening an account of one's own."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from app.accounts import links, queries, sessions, throttle
from app.accounts.actors import forget_user
from app.accounts.emails import normal_email
from app.accounts.errors import LinkSpent, SignupClosed
from app.accounts.events import EmailVerified, PasswordChanged, UserJoined
from app.accounts.letters import (
    mail_account_exists,
    mail_invitation,
    mail_password_changed,
    mail_reset,
    mail_verification,
)
from app.accounts.models import UserAccount
from app.accounts.service import list_in_directory
from app.accounts.throttle import Try
from app.workspace.service import settings as workspace_settings
from tenants import quotas
from tenants.context import Ctx

FORGOT = "accounts.forgot"


def ask_reset(ctx: Ctx, *, email: str, ip: str) -> None:
    """Ask for a link to set a new password.

    The same work for every address: whether there is an account is looked up by the job. Raises TriedTooOften.
    """
    norm = normal_email(email)
    tries = Try(throttle.FORGOT, norm), Try(throttle.FORGOT_ADDRESS, throttle.prefix_of(ip))
    throttle.demand(ctx, *tries)
    ctx.enqueue(FORGOT, {"email": norm})


def send_reset(ctx: Ctx, *, email: str) -> None:
    """Mail the link when somebody who may sign in has this address."""
    user = queries.find_user_by_email(ctx, email=email)
    if user is not None and user.status == "active":
        mail_reset(ctx, user)


def reset_password(ctx: Ctx, *, token: str, password_hash: str) -> UserAccount:
    """Set a new password by a mailed link; all sessions end, and a lock on the account as well.

    Raises LinkSpent.
    """
    user = queries.get_user(ctx, user_id=links.use(ctx, purpose="reset", token=token), lock=True)
    if user.status != "active":
        raise LinkSpent("Ask an administrator to activate the account.")
    # The link came to the mailbox, so the address is proven too.
    user.email_verified_at = user.email_verified_at or ctx.now
    _set_password(ctx, user, password_hash, how="reset")
    sessions.revoke_all(ctx, user_id=user.id, reason="password_reset")
    throttle.forgive(ctx, (), forget=[Try(throttle.ACCOUNT, user.email_norm)])
    return user


def change_password(ctx: Ctx, *, user: UserAccount, password_hash: str) -> None:
    """Replace one's own password, which the caller has checked; other sessions end."""
    _set_password(ctx, user, password_hash, how="changed")
    sessions.revoke_all(ctx, user_id=user.id, reason="password_changed", but=ctx.actor.session_id)


def rehash(ctx: Ctx, *, user_id: UUID, old: str, new: str) -> None:
    """Keep a password in today's form, unless it was changed meanwhile."""
    ctx.db.execute(
        update(UserAccount)
        .where(UserAccount.tenant_id == ctx.tenant.id, UserAccount.id == user_id, UserAccount.password_hash == old)
        .values(password_hash=new)
        .execution_options(synchronize_session=False)
    )


def verify_email(ctx: Ctx, *, token: str) -> UserAccount:
    """Take a confirmation link: the address is proven, and an account opened by its owner becomes active.

    Raises LinkSpent.
    """
    user = queries.get_user(ctx, user_id=links.use(ctx, purpose="verify", token=token), lock=True)
    user.email_verified_at = user.email_verified_at or ctx.now
    if user.status == "invited" and user.password_hash is not None:
        user.status = "active"
        ctx.emit(UserJoined(aggregate_id=user.id, role=user.role))
        list_in_directory(ctx, user.id)
    ctx.db.flush()
    forget_user(ctx, user.id)
    ctx.emit(EmailVerified(aggregate_id=user.id))
    return user


def resend_verification(ctx: Ctx, *, user: UserAccount) -> None:
    """Mail the confirmation link again; nothing happens when the address is proven.

    Raises TriedTooOften.
    """
    if user.email_verified_at is None:
        throttle.demand(ctx, Try(throttle.VERIFY, str(user.id)))
        mail_verification(ctx, user)


def sign_up(ctx: Ctx, *, email: str, name: str, password_hash: str, ip: str) -> None:
    """Open an account of one's own as a viewer, where the workspace allows it; it works once the address is proven.

    An address that has an account gets a mail that says so, and the caller the same answer. Raises SignupClosed,
    LimitExceeded, TriedTooOften.
    """
    require_open(ctx)
    throttle.demand(
        ctx, Try(throttle.SIGNUP_ADDRESS, throttle.prefix_of(ip)), Try(throttle.VERIFY, normal_email(email))
    )
    seats = quotas.quota(ctx, "users")
    if seats.left == 0:
        # Before the look-up, so that a full workspace answers alike for known and unknown addresses.
        raise quotas.exceeded(ctx, "users", used=seats.used)
    known = queries.find_user_by_email(ctx, email=email)
    if known is not None:
        _remind(ctx, known)
        return
    quotas.reserve(ctx, "users")
    user = UserAccount(
        email=email, email_norm=normal_email(email), name=name, password_hash=password_hash, status="invited"
    )
    ctx.db.add(user)
    ctx.db.flush()
    mail_verification(ctx, user)


def require_open(ctx: Ctx) -> None:
    """Raise SignupClosed unless strangers may open accounts here."""
    if not workspace_settings(ctx).signup_open:
        raise SignupClosed(f"Ask an administrator of {ctx.tenant.company_name} to invite you.")


def _remind(ctx: Ctx, user: UserAccount) -> None:
    """Mail whoever has the address what to do instead of opening a second account."""
    if user.status == "active":
        mail_account_exists(ctx, user)
    elif user.status == "invited" and user.password_hash is not None:
        mail_verification(ctx, user)
    elif user.status == "invited":
        mail_invitation(ctx, user, inviter=ctx.tenant.company_name)


def _set_password(ctx: Ctx, user: UserAccount, password_hash: str, *, how: str) -> None:
    user.password_hash = password_hash
    ctx.db.flush()
    links.withdraw(ctx, user_id=user.id, purpose="reset")
    mail_password_changed(ctx, user)
    ctx.emit(PasswordChanged(aggregate_id=user.id, how=how))
