"""The mails that this module sends. Every link is built from the configured address, never from what a request said."""

from __future__ import annotations

from app.access.policy import LABELS
from app.accounts import links
from app.accounts.models import UserAccount
from app.notifications.service import send_mail
from tenants.context import Ctx


def mail_verification(ctx: Ctx, user: UserAccount) -> None:
    """Mail the link that proves the address."""
    token = links.issue(ctx, user_id=user.id, purpose="verify")
    _send(ctx, user, "verify_email", link=url(ctx, f"/verify-email/{token}"))


def mail_reset(ctx: Ctx, user: UserAccount) -> None:
    """Mail the link that sets a new password."""
    token = links.issue(ctx, user_id=user.id, purpose="reset")
    _send(ctx, user, "reset_password", link=url(ctx, f"/reset-password/{token}"))


def mail_invitation(ctx: Ctx, user: UserAccount, *, inviter: str) -> None:
    """Mail the link that accepts an invitation."""
    token = links.issue(ctx, user_id=user.id, purpose="invite")
    link = url(ctx, f"/invitations/{token}")
    send_mail(ctx, to=user.email, template="invitation", inviter=inviter, role=LABELS[user.role].lower(), link=link)


def mail_password_changed(ctx: Ctx, user: UserAccount) -> None:
    """Tell the person that the password is another one now."""
    _send(ctx, user, "password_changed", at=_said(ctx), link=url(ctx, "/forgot-password"))


def mail_session_ended(ctx: Ctx, user: UserAccount) -> None:
    """Tell the person that a copied refresh token was used."""
    _send(ctx, user, "session_ended", at=_said(ctx), link=url(ctx, "/forgot-password"))


def mail_account_exists(ctx: Ctx, user: UserAccount) -> None:
    """Tell the person who tried to open a second account that there is one."""
    _send(ctx, user, "account_exists", link=url(ctx, "/signin"))


def url(ctx: Ctx, path: str) -> str:
    """Return the absolute address of `path` in this workspace."""
    return ctx.runtime.settings.tenant_url(ctx.tenant.slug, path)


def _send(ctx: Ctx, user: UserAccount, template: str, **values: str) -> None:
    send_mail(ctx, to=user.email, template=template, name=user.name, email=user.email, **values)


def _said(ctx: Ctx) -> str:
    return f"{ctx.now:%-d %b, %H:%M} UTC"
