"""The doors of a workspace in the browser: sign-in and -out, mailed links, and finding one's workspace."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from app.access.policy import LABELS
from app.accounts import api, cookies, links, queries, recovery, service, sessions
from app.accounts.doors import doorman, visitor
from app.accounts.errors import EmailUnverified, LinkSpent, UserInactive, WrongCredentials
from app.accounts.models import UserAccount
from app.accounts.passwords import hash_password, password_problem
from app.accounts.schemas import AcceptSchema, FindSchema, ForgotSchema, ResetSchema, SigninSchema
from app.accounts.signin import Attempt
from app.kit import forms
from app.kit.errors import DomainError, FieldError, Invalid, TooManyRequests
from app.web.forms import FormState
from app.web.redirects import safe_path
from tenants.access import access, public
from tenants.context import Ctx
from tenants.edge import current, runtime

accounts = Blueprint("accounts", __name__, template_folder="templates")

_AT_THE_DOOR = "Whoever is at the door has not signed in yet"
_BY_LINK = "The mailed link is the credential"
_HOME = "/home"
_NOTICES = {
    "ended": ("You were signed out.", "Sign in to go on where you were.", "go"),
    "reset": ("Password saved.", "Sign in with the new one.", "ok"),
    "out": ("Signed out.", "Nothing of this workspace stays in this browser.", "ok"),
}


@accounts.get("/signin")
@public(_AT_THE_DOOR, idempotent=False)
def signin() -> str | BaseResponse:
    """Show the form; whoever is in already goes on."""
    target = safe_path(request.args.get("next"), "")
    if current().actor.kind == "user":
        return redirect(target or _HOME, 303)
    notice = next((_NOTICES[name] for name in _NOTICES if name in request.args), None)
    return _signin_page(FormState(), target, notice)


@accounts.post("/signin")
@public(_AT_THE_DOOR, idempotent=False)
def start_session() -> Response | BaseResponse:
    """Sign in and go on; or show the form again with what was wrong."""
    ctx, settings = current(), runtime().settings
    target = safe_path(request.form.get("next"), "")
    try:
        data = _load(SigninSchema(exclude=["organization_code"]))
        attempt = Attempt(
            data["email"],
            data["password"],
            visitor(),
            device=cookies.read(settings, request, "device"),
            old_session=cookies.read(settings, request, "session"),
        )
        signed = doorman(ctx.tenant).sign_in(attempt, kind="web")
    except (Invalid, WrongCredentials, UserInactive, EmailUnverified, TooManyRequests) as error:
        return _refused(_signin_page(_state(error), target), error)
    return _let_in(ctx, signed.user, signed.secret, target)


@accounts.post("/signout")
@access(None, idempotent=False)
def signout() -> BaseResponse:
    """End this browser's session and leave nothing behind."""
    ctx = current()
    if ctx.actor.session_id is not None:
        sessions.revoke(ctx, session_id=ctx.actor.session_id, reason="signed_out")
    response = make_response(redirect(url_for("accounts.signin", out="1"), 303))
    cookies.drop_session(runtime().settings, response)
    # Not "cookies": that would take those of every other workspace on this domain as well.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@accounts.get("/forgot-password")
@public(_AT_THE_DOOR)
def forgot() -> str:
    """Ask for the address."""
    return _forgot_page(FormState())


@accounts.post("/forgot-password")
@public(_AT_THE_DOOR, idempotent=False)
def ask_reset() -> str | Response:
    """Have the link mailed; the page says the same for every address."""
    try:
        data = _load(ForgotSchema(exclude=["organization_code"]))
        recovery.ask_reset(current(), email=data["email"], ip=visitor().ip)
    except (Invalid, TooManyRequests) as error:
        return _refused(_forgot_page(_state(error)), error)
    return _forgot_page(FormState({"email": data["email"]}), sent=True)


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
        data = _load(ResetSchema(exclude=["token"]))
        user = links.find_user(ctx, purpose="reset", token=token)
        _refuse_own_words(ctx, user, data["password"])
        hashed = hash_password(runtime().settings, data["password"])
        recovery.reset_password(ctx, token=token, password_hash=hashed)
    except (Invalid, LinkSpent, TooManyRequests) as error:
        return _refused(_reset_page(ctx, token, _state(error)), error)
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


@accounts.post("/verify/resend")
@access(None, idempotent=False)
def resend_verification() -> BaseResponse:
    """Mail the link that confirms one's address again."""
    ctx = current()
    recovery.resend_verification(ctx, user=service.me(ctx))
    flash(f"A new link is on its way to {ctx.actor.email}.", "toast")
    return redirect(_HOME, 303)


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
        data = _load(AcceptSchema(exclude=["token"]))
        user = service.find_invitation(ctx, token=token)
        _refuse_own_words(ctx, user, data["password"], data["name"])
        hashed = hash_password(runtime().settings, data["password"])
        joined = service.accept_invitation(ctx, token=token, name=data["name"], password_hash=hashed)
    except (Invalid, LinkSpent, TooManyRequests) as error:
        return _refused(_invitation_page(ctx, token, _state(error)), error)
    _, secret = sessions.open_web(ctx, user=joined, visitor=visitor())
    return _let_in(ctx, joined, secret, _HOME)


@accounts.post("/invitations/<token>/renew")
@public(_BY_LINK, idempotent=False)
def renew_invitation(token: str) -> str:
    """Mail a new link to whoever came after the hour."""
    service.renew_invitation(current(), token=token)
    return render_template("accounts/renew.html", sent=True)


@accounts.get("/find")
@public("Whoever looks for a workspace cannot sign in yet", host="apex")
def find() -> str:
    """Ask for the address."""
    return render_template("doors/find.html", form=FormState(), action=url_for("accounts.find"), sent=False)


@accounts.post("/find")
@public("Whoever looks for a workspace cannot sign in yet", host="apex", idempotent=False)
def ask_workspaces() -> str | Response:
    """Have the workspaces mailed; the page says the same for every address."""
    action = url_for("accounts.find")
    try:
        email = _load(FindSchema())["email"]
        api.find(email)
    except (Invalid, TooManyRequests) as error:
        page = render_template("doors/find.html", form=_state(error), action=action, sent=False)
        return _refused(page, error)
    return render_template("doors/find.html", form=FormState({"email": email}), action=action, sent=True)


def _let_in(ctx: Ctx, user: UserAccount, secret: str, target: str) -> BaseResponse:
    response = make_response(redirect(target or _HOME, 303))
    settings = runtime().settings
    cookies.put_session(settings, response, secret)
    cookies.put_device(settings, response, tenant_id=ctx.tenant.id, user_id=user.id)
    return response


def _load(schema: Schema) -> dict[str, Any]:
    """Read the form.

    Raises Invalid.
    """
    try:
        return forms.load(schema, request.form)
    except ValidationError as error:
        state = FormState.invalid({}, error.messages_dict)
        raise Invalid(errors=[FieldError(f"#/{name}", text) for name, text in state.errors.items()]) from None


def _state(error: DomainError) -> FormState:
    return FormState.failed(request.form, error)


def _refused(page: str, error: DomainError) -> Response:
    status = error.status if error.status in (410, 429) else 422
    response = make_response(page, status)
    if "Retry-After" in error.headers:
        response.headers["Retry-After"] = error.headers["Retry-After"]
    return response


def _refuse_own_words(ctx: Ctx, user: UserAccount | None, password: str, name: str = "") -> None:
    if user is not None:
        problem = password_problem(password, user.email, user.name, name, ctx.tenant.company_name)
        if problem:
            raise Invalid.field("password", problem)


def _signin_page(state: FormState, target: str, notice: tuple[str, str, str] | None = None) -> str:
    return render_template(
        "doors/signin.html",
        form=state,
        next=target,
        action=url_for("accounts.signin"),
        forgot=url_for("accounts.forgot"),
        notice=notice,
        apex=runtime().settings.base_url,
    )


def _forgot_page(state: FormState, *, sent: bool = False) -> str:
    action = url_for("accounts.forgot")
    return render_template("doors/forgot.html", form=state, action=action, sent=sent, signin=url_for("accounts.signin"))


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
        home=_HOME,
        resend=url_for("accounts.resend_verification") if resend else "",
    )


def _invitation_page(ctx: Ctx, token: str, state: FormState) -> str:
    user = service.find_invitation(ctx, token=token)
    if user is None and service.find_invitation(ctx, token=token, stale=True) is not None:
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
