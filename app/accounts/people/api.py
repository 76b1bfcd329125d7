"""People and invitations, over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.accounts import credentials, queries, service
from app.accounts import invitations as inviting
from app.accounts.models import UserAccount
from app.accounts.schemas import (
    InviteSchema,
    MeSchema,
    PasswordChangeSchema,
    ProfileSchema,
    UserChangeSchema,
    UserPageSchema,
    UserQuerySchema,
    UserSchema,
    user_json,
)
from app.apidocs.spec import PREFIX
from app.kit.concurrency import ANY_VERSION, Versions, etag, if_match
from app.kit.paging import Page
from tenants.access import access
from tenants.context import Ctx
from tenants.edge import current

users = Blueprint("users", __name__, url_prefix=f"{PREFIX}/users", description="People of the workspace")
invitations = Blueprint(
    "invitations", __name__, url_prefix=f"{PREFIX}/invitations", description="People who were asked to join"
)

_OPTIONAL_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of what you changed; a stale one is refused.",
    "schema": {"type": "string"},
    "required": False,
}
_ETAG = {"ETag": {"description": "The version.", "schema": {"type": "string"}}}
_INVITE = {"email": "ben@harbour.example", "role": "contributor"}


@users.route("", methods=["GET"])
@access("accounts.user.read")
@users.arguments(UserQuerySchema, location="query", unknown=RAISE)
@users.response(200, UserPageSchema)
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """List the people of the workspace in the order they came."""
    return _page(queries.list_users(current(), **query))


@users.route("/me", methods=["GET"])
@access(None)
@users.response(200, MeSchema, headers=_ETAG)
def me() -> Response:
    """Show oneself and what one may do."""
    return _me(current())


@users.route("/me", methods=["PATCH"])
@access(None)
@users.arguments(ProfileSchema, example={"name": "Ada Brook"})
@users.response(200, MeSchema, headers=_ETAG)
def change_me(data: dict[str, Any]) -> Response:
    """Change one's own name or time zone."""
    ctx = current()
    service.change_profile(ctx, name=data.get("name"), time_zone=data.get("time_zone"))
    return _me(ctx)


@users.route("/me/password", methods=["POST"])
@access(None, idempotent=False)
@users.arguments(PasswordChangeSchema)
@users.response(204)
def change_password(data: dict[str, Any]) -> None:
    """Replace one's own password; other sign-ins end."""
    credentials.replace_password(current(), current=data["current_password"], new=data["new_password"])


@users.route("/<uuid:user_id>", methods=["GET"])
@access("accounts.user.read")
@users.response(200, UserSchema, headers=_ETAG)
def get_user(user_id: UUID) -> Response:
    """Show one person."""
    return _one(queries.get_user(current(), user_id=user_id))


@users.route("/<uuid:user_id>", methods=["PATCH"])
@access("accounts.user.write")
@users.arguments(UserChangeSchema, example={"role": "approver"})
@users.doc(parameters=[_OPTIONAL_IF_MATCH])
@users.response(200, UserSchema, headers=_ETAG)
def change_user(data: dict[str, Any], user_id: UUID) -> Response:
    """Give somebody another role, or suspend or activate them."""
    ctx, versions = current(), _versions()
    user = queries.get_user(ctx, user_id=user_id)
    if "status" in data:
        change = service.activate if data["status"] == "active" else service.suspend
        user = change(ctx, user_id=user_id, versions=versions)
        versions = ANY_VERSION
    if "role" in data:
        user = service.change_role(ctx, user_id=user_id, role=data["role"], versions=versions)
    return _one(user)


@invitations.route("", methods=["GET"])
@access("accounts.user.invite")
@invitations.arguments(UserQuerySchema(exclude=["status"]), location="query", unknown=RAISE)
@invitations.response(200, UserPageSchema)
def list_invitations(query: dict[str, Any]) -> dict[str, Any]:
    """List open invitations in the order they were made."""
    return _page(queries.list_users(current(), status="invited", **query))


@invitations.route("", methods=["POST"])
@access("accounts.user.invite")
@invitations.arguments(InviteSchema, example=_INVITE)
@invitations.response(201, UserSchema)
def invite(data: dict[str, Any]) -> Response:
    """Ask somebody to join; a link comes to them by mail. Waits until your own address is confirmed."""
    return _one(inviting.invite(current(), **data), status=201)


@invitations.route("/<uuid:user_id>/resend", methods=["POST"])
@access("accounts.user.invite")
@invitations.response(202, UserSchema)
def resend(user_id: UUID) -> Response:
    """Mail an invitation again; the earlier link ends."""
    return _one(inviting.resend(current(), user_id=user_id), status=202)


@invitations.route("/<uuid:user_id>", methods=["DELETE"])
@access("accounts.user.invite")
@invitations.response(204)
def revoke(user_id: UUID) -> None:
    """Take an invitation back; its seat is free again."""
    inviting.revoke(current(), user_id=user_id)


def _versions() -> Versions:
    header = request.headers.get("If-Match")
    return if_match(header) if header else ANY_VERSION


def _page(page: Page) -> dict[str, Any]:
    return {"items": [user_json(user) for user in page.items], "next_cursor": page.next_cursor}


def _me(ctx: Ctx) -> Response:
    user = service.me(ctx)
    body = {**user_json(user), "time_zone": user.time_zone, "permissions": sorted(ctx.actor.permissions)}
    return _answer(MeSchema().dump(body), user, 200)


def _one(user: UserAccount, *, status: int = 200) -> Response:
    return _answer(UserSchema().dump(user_json(user)), user, status)


def _answer(body: Any, user: UserAccount, status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["ETag"] = etag(user.row_version)
    return response
