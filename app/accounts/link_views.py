"""The pages behind mailed links: a new password, a confirmed address, an accepted invitation."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.access.policy import LABELS
from app.accounts import invitations, links, queries, recovery, sessions
from app.accounts.doors import visitor
from app.accounts.errors import LinkSpent
from app.accounts.models import UserAccount
from app.accounts.pages import HOME, accounts, let_in, load, refused, state_of
from app.accounts.passwords import hash_password, password_problem
from app.accounts.schemas import AcceptSchema, ResetSchema
from app.kit.errors import Invalid, TooManyRequests
from app.web.forms import FormState
from tenants.access import public
from tenants.context import Ctx
from tenants.edge import current, runtime

__all__ = ["accounts"]
_BY_LINK = "The mailed link is the credential"


@accounts.get("/reset-password/<token>")
@public(_BY_LINK)
def reset(token: str) -> str:
    """Ask for the new password, if the link is good."""
    return _reset_page(current(), token, FormState())


@accounts.post("/reset-password/<token>")
@public(_BY_LINK, idempotent=False)
def save_password(token: str) -> Response | BaseResponse:
    """Save the new password by the link."""
    ctx = current()
    try:
        data = load(ResetSchema(exclude=["token"]))
        user = links.find_user(ctx, purpose="reset", token=token)
        _refuse_own_words(ctx, user, data["password"])
        hashed = hash_password(runtime().settings, data["password"])
        recovery.reset_password(ctx, token=token, password_hash=hashed)
    except (Invalid, LinkSpent, TooManyRequests) as error:
        return refused(_reset_page(ctx, token, state_of(error)), error)
    return redirect(url_for("accounts.signin", reset="1"), 303)


@accounts.get("/verify-email/<token>")
@public(_BY_LINK)
def verify(token: str) -> str:
    """Ask for the click that confirms the address: programs that open links in mails must not confirm anything."""
    user = links.find_user(current(), purpose="verify", token=token)
    return _verify_page("ask" if user else "expired", token, user)


@accounts.post("/verify-email/<token>")
@public(_BY_LINK, idempotent=False)
def confirm_email(token: str) -> str | Response:
    """Confirm the address by the link."""
    try:
        user = recovery.verify_email(current(), token=token)
    except LinkSpent as error:
        return make_response(_verify_page("expired", token, None), error.status)
    return _verify_page("done", token, user)


@accounts.get("/invitations/<token>")
@public(_BY_LINK)
def invitation(token: str) -> str:
    """Ask an invited person for name and password."""
    return _invitation_page(current(), token, FormState())


@accounts.post("/invitations/<token>")
@public(_BY_LINK, idempotent=False)
def accept(token: str) -> Response | BaseResponse:
    """Join by the link, and be signed in."""
    ctx = current()
    try:
        data = load(AcceptSchema(exclude=["token"]))
        user = invitations.find(ctx, token=token)
        _refuse_own_words(ctx, user, data["password"], data["name"])
        hashed = hash_password(runtime().settings, data["password"])
        joined = invitations.accept(ctx, token=token, name=data["name"], password_hash=hashed)
    except (Invalid, LinkSpent, TooManyRequests) as error:
        return refused(_invitation_page(ctx, token, state_of(error)), error)
    _, secret = sessions.open_web(ctx, user=joined, visitor=visitor())
    return let_in(ctx, joined, secret, HOME)


@accounts.post("/invitations/<token>/renew")
@public(_BY_LINK, idempotent=False)
def renew_invitation(token: str) -> str:
    """Mail a new link to whoever came after the hour."""
    invitations.renew(current(), token=token)
    return render_template("accounts/renew.html", sent=True)


def _refuse_own_words(ctx: Ctx, user: UserAccount | None, password: str, name: str = "") -> None:
    if user is not None:
        problem = password_problem(password, user.email, user.name, name, ctx.tenant.company_name)
        if problem:
            raise Invalid.field("password", problem)


def _reset_page(ctx: Ctx, token: str, state: FormState) -> str:
    user = links.find_user(ctx, purpose="reset", token=token)
    return render_template(
        "doors/reset.html",
        form=state,
        action=url_for("accounts.reset", token=token),
        token=token,
        email=user.email if user else "",
        expired=user is None,
        forgot=url_for("accounts.forgot"),
    )


def _verify_page(state: str, token: str, user: UserAccount | None) -> str:
    ctx = current()
    resend = ctx.actor.kind == "user" and not ctx.actor.email_verified
    return render_template(
        "doors/verify.html",
        state=state,
        token=token,
        action=url_for("accounts.verify", token=token),
        email=user.email if user else "",
        home=HOME,
        resend=url_for("accounts.resend_verification") if resend else "",
    )


def _invitation_page(ctx: Ctx, token: str, state: FormState) -> str:
    user = invitations.find(ctx, token=token)
    if user is None and invitations.find(ctx, token=token, stale=True) is not None:
        return render_template(
            "accounts/renew.html", sent=False, action=url_for("accounts.renew_invitation", token=token)
        )
    inviters = queries.names_of(ctx, [user.invited_by]) if user and user.invited_by else {}
    return render_template(
        "doors/invitation.html",
        form=state,
        action=url_for("accounts.invitation", token=token),
        token=token,
        email=user.email if user else "",
        inviter=next(iter(inviters.values()), ctx.tenant.company_name),
        role=LABELS[user.role].lower() if user else "",
        expired=user is None,
    )
