"""The doors of a workspace in the browser: sign-in and -out, mailed links, and finding one's workspace."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import api, cookies, recovery, service, sessions
from app.accounts.doors import doorman, visitor
from app.accounts.errors import EmailUnverified, UserInactive, WrongCredentials
from app.accounts.pages import HOME, accounts, let_in, load, refused, state_of
from app.accounts.schemas import FindSchema, ForgotSchema, SigninSchema
from app.accounts.signin import Attempt
from app.kit.errors import Invalid, TooManyRequests
from app.web.forms import FormState
from app.web.redirects import safe_path
from tenants.access import access, public
from tenants.admission import Urgency
from tenants.edge import current, runtime

__all__ = ["accounts"]
_AT_THE_DOOR = "Whoever is at the door has not signed in yet"
_NOTICES = {
    "ended": ("You were signed out.", "Sign in to go on where you were.", "go"),
    "reset": ("Password saved.", "Sign in with the new one.", "ok"),
    "out": ("Signed out.", "The door is locked behind you.", "ok"),
}


@accounts.get("/signin")
@public(_AT_THE_DOOR, idempotent=False, urgency=Urgency.CRITICAL)
def signin() -> str | BaseResponse:
    """Show the form; whoever is in already goes on."""
    target = safe_path(request.args.get("next"), "")
    if current().actor.kind == "user":
        return redirect(target or HOME, 303)
    notice = next((_NOTICES[name] for name in _NOTICES if name in request.args), None)
    return _signin_page(FormState(), target, notice)


@accounts.post("/signin")
@public(_AT_THE_DOOR, idempotent=False, urgency=Urgency.CRITICAL)
def start_session() -> Response | BaseResponse:
    """Sign in and go on; or show the form again with what was wrong."""
    ctx, settings = current(), runtime().settings
    target = safe_path(request.form.get("next"), "")
    try:
        data = load(SigninSchema(exclude=["organization_code"]))
        attempt = Attempt(
            data["email"],
            data["password"],
            visitor(),
            device=cookies.read(settings, request, "device"),
            old_session=cookies.read(settings, request, "session"),
        )
        signed = doorman(ctx.tenant).sign_in(attempt, kind="web")
    except (Invalid, WrongCredentials, UserInactive, EmailUnverified, TooManyRequests) as error:
        return refused(_signin_page(state_of(error), target), error)
    return let_in(ctx, signed.user, signed.secret, target)


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
@public(_AT_THE_DOOR, idempotent=False, urgency=Urgency.CRITICAL)
def ask_reset() -> str | Response:
    """Have the link mailed; the page says the same for every address."""
    try:
        data = load(ForgotSchema(exclude=["organization_code"]))
        recovery.ask_reset(current(), email=data["email"], ip=visitor().ip)
    except (Invalid, TooManyRequests) as error:
        return refused(_forgot_page(state_of(error)), error)
    return _forgot_page(FormState({"email": data["email"]}), sent=True)


@accounts.post("/verify/resend")
@access(None, idempotent=False)
def resend_verification() -> BaseResponse:
    """Mail the link that confirms one's address again."""
    ctx = current()
    recovery.resend_verification(ctx, user=service.me(ctx))
    flash(f"A new link is on its way to {ctx.actor.email}.", "toast")
    return redirect(HOME, 303)


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
        email = load(FindSchema())["email"]
        api.find(email)
    except (Invalid, TooManyRequests) as error:
        page = render_template("doors/find.html", form=state_of(error), action=action, sent=False)
        return refused(page, error)
    return render_template("doors/find.html", form=FormState({"email": email}), action=action, sent=True)


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
