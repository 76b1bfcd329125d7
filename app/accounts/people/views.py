"""People of the workspace and one's own account, in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response as BaseResponse

from app.access.policy import LABELS, MEANINGS, grantable, may_manage
from app.accounts import credentials, invitations, queries, service
from app.accounts.errors import EmailUnverified, LastOwner, NotInvited, UserExists
from app.accounts.models import UserAccount
from app.accounts.pages import accounts
from app.accounts.schemas import InviteSchema, NameSchema, PasswordChangeSchema, RoleFormSchema
from app.kit import forms
from app.kit.errors import Forbidden, Invalid, TooManyRequests
from app.kit.ids import parse_id
from app.web.forms import FormState
from tenants.access import access
from tenants.context import Ctx
from tenants.edge import current
from tenants.errors import LimitExceeded
from tenants.quotas import quota

__all__ = ["accounts"]
_EXPECTED = (Invalid, UserExists, EmailUnverified, LimitExceeded, Forbidden, TooManyRequests, LastOwner, NotInvited)


@accounts.get("/people")
@access("accounts.user.read")
def people() -> str:
    """Show who is here and who was asked."""
    return _people_page(current(), FormState({"role": "viewer"}), open_id=parse_id(request.args.get("open")))


@accounts.post("/people")
@access("accounts.user.invite")
def invite() -> Response | BaseResponse:
    """Ask somebody to join; or show the form again with what to change."""
    ctx = current()
    try:
        data = forms.load(InviteSchema(), request.form)
        with ctx.db.begin_nested():
            user = invitations.invite(ctx, **data)
    except ValidationError as error:
        state = FormState.invalid(request.form, error.messages_dict)
        return make_response(_people_page(ctx, state), 422)
    except _EXPECTED as error:
        return make_response(_people_page(ctx, FormState.failed(request.form, error)), 422)
    flash(f"The invitation is on its way to {user.email}.", "toast")
    return redirect(url_for("accounts.people"), 303)


@accounts.post("/people/<uuid:user_id>/role")
@access("accounts.user.write")
def change_role(user_id: UUID) -> Response | BaseResponse:
    """Give somebody another role."""
    ctx = current()
    try:
        data = forms.load(RoleFormSchema(), request.form)
        with ctx.db.begin_nested():
            user = service.change_role(ctx, user_id=user_id, role=data["new_role"])
    except ValidationError as error:
        return _refused(ctx, user_id, FormState.invalid({}, error.messages_dict))
    except _EXPECTED as error:
        return _refused(ctx, user_id, FormState.failed({}, error))
    flash(f"{user.shown_name} is {LABELS[user.role].lower()} now.", "toast")
    return redirect(url_for("accounts.people"), 303)


@accounts.post("/people/<uuid:user_id>/suspension")
@access("accounts.user.write")
def suspend(user_id: UUID) -> Response | BaseResponse:
    """Keep somebody out."""
    return _act(user_id, lambda ctx: f"{service.suspend(ctx, user_id=user_id).shown_name} cannot sign in any more.")


@accounts.post("/people/<uuid:user_id>/activation")
@access("accounts.user.write")
def activate(user_id: UUID) -> Response | BaseResponse:
    """Let somebody in again."""
    return _act(user_id, lambda ctx: f"{service.activate(ctx, user_id=user_id).shown_name} can sign in again.")


@accounts.post("/people/<uuid:user_id>/invitation")
@access("accounts.user.invite")
def resend(user_id: UUID) -> Response | BaseResponse:
    """Mail an invitation again."""
    return _act(user_id, lambda ctx: f"A new link is on its way to {invitations.resend(ctx, user_id=user_id).email}.")


@accounts.post("/people/<uuid:user_id>/invitation/revocation")
@access("accounts.user.invite")
def revoke(user_id: UUID) -> Response | BaseResponse:
    """Take an invitation back."""

    def act(ctx: Ctx) -> str:
        invitations.revoke(ctx, user_id=user_id)
        return "The invitation was taken back."

    return _act(user_id, act)


@accounts.get("/account")
@access(None)
def account() -> str:
    """Show one's own profile, password and sign-ins."""
    return _account_page(current())


@accounts.post("/account")
@access(None)
def save_profile() -> Response | BaseResponse:
    """Save one's own name."""
    ctx = current()
    try:
        data = forms.load(NameSchema(), request.form)
    except ValidationError as error:
        state = FormState.invalid(request.form, error.messages_dict)
        return make_response(_account_page(ctx, profile=state), 422)
    service.change_profile(ctx, name=data["name"])
    flash("Your name is saved.", "toast")
    return redirect(url_for("accounts.account"), 303)


@accounts.post("/account/password")
@access(None, idempotent=False)
def change_password() -> Response | BaseResponse:
    """Replace one's own password."""
    ctx = current()
    try:
        data = forms.load(PasswordChangeSchema(), request.form)
        credentials.replace_password(ctx, current=data["current_password"], new=data["new_password"])
    except ValidationError as error:
        state = FormState.invalid({}, error.messages_dict)
        return make_response(_account_page(ctx, password=state), 422)
    except (Invalid, TooManyRequests) as error:
        return make_response(_account_page(ctx, password=FormState.failed({}, error)), 422)
    flash("Your password is changed. Other devices are signed out.", "toast")
    return redirect(url_for("accounts.account"), 303)


@accounts.post("/account/sessions/<uuid:session_id>/end")
@access(None)
def end_session(session_id: UUID) -> BaseResponse:
    """End one of one's own sign-ins."""
    service.end_session(current(), session_id=session_id)
    flash("That device is signed out.", "toast")
    return redirect(url_for("accounts.account"), 303)


def _act(user_id: UUID, change: Callable[[Ctx], str]) -> Response | BaseResponse:
    """Make one change to one person; show the page with the reason when it cannot be."""
    ctx = current()
    try:
        with ctx.db.begin_nested():
            said = change(ctx)
    except _EXPECTED as error:
        return _refused(ctx, user_id, FormState.failed({}, error))
    flash(said, "toast")
    return redirect(url_for("accounts.people"), 303)


def _refused(ctx: Ctx, user_id: UUID, problem: FormState) -> Response:
    return make_response(_people_page(ctx, FormState(), open_id=user_id, problem=problem), 422)


def _people_page(ctx: Ctx, state: FormState, *, open_id: UUID | None = None, problem: FormState | None = None) -> str:
    cursor = request.args.get("cursor") if request.method == "GET" else None
    page = queries.list_users(ctx, cursor=cursor)
    opened = queries.find_user(ctx, user_id=open_id) if open_id else None
    inviters = queries.names_of(ctx, [opened.invited_by]) if opened and opened.invited_by else {}
    return render_template(
        "accounts/people.html",
        form=state,
        problem=problem,
        rows=[_row(ctx, user) for user in page.items],
        open=_row(ctx, opened) if opened else None,
        inviter=next(iter(inviters.values()), ""),
        next=page.next_cursor,
        back=page.back_cursor,
        roles=[(role, LABELS[role]) for role in grantable(ctx.actor.role)],
        meanings=[(LABELS[role], MEANINGS[role]) for role in LABELS],
        seats=quota(ctx, "users"),
        may_invite=ctx.actor.may("accounts.user.invite"),
        verified=ctx.actor.email_verified,
        upgrade="/settings/plan",
    )


def _row(ctx: Ctx, user: UserAccount) -> dict[str, Any]:
    may_write = ctx.actor.may("accounts.user.write") and may_manage(ctx.actor.role, user.role)
    return {
        "user": user,
        "role": LABELS[user.role],
        "me": user.id == ctx.actor.id,
        "may_write": may_write and user.id != ctx.actor.id,
        "invited": user.status == "invited",
    }


def _account_page(ctx: Ctx, *, profile: FormState | None = None, password: FormState | None = None) -> str:
    user = service.me(ctx)
    return render_template(
        "accounts/account.html",
        user=user,
        role=LABELS[user.role],
        profile=profile or FormState({"name": user.name}),
        password=password or FormState(),
        sessions=queries.list_sessions(ctx, user_id=user.id),
        current=ctx.actor.session_id,
    )
