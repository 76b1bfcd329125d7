"""Ways in, over the API: sign-up, sign-in, refresh, sign-out, and the mailed links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint as PlainBlueprint
from flask import Response, g, jsonify, request
from flask_smorest import Blueprint

from app.accounts import directory, invitations, links, opaque, queries, recovery, service, throttle, tokens
from app.accounts.authenticator import bearer_token
from app.accounts.doors import doorman, tenant_here, visitor
from app.accounts.errors import LinkSpent, TokenInvalid
from app.accounts.passwords import hash_password
from app.accounts.schemas import (
    AcceptedSchema,
    AcceptSchema,
    FindSchema,
    ForgotSchema,
    LinkSchema,
    RefreshSchema,
    ResetSchema,
    SessionListSchema,
    SigninSchema,
    SignoutSchema,
    SignupSchema,
    TokensSchema,
    UserSchema,
    user_json,
)
from app.accounts.signin import Attempt
from app.apidocs.spec import PREFIX
from app.kit.clock import utcnow
from app.kit.errors import Unauthenticated
from app.kit.problems import MEDIA_TYPE
from tenants.access import access, public
from tenants.admission import Urgency
from tenants.context import ANONYMOUS
from tenants.edge import current, runtime
from tenants.tenant import Tenant

auth = Blueprint("auth", __name__, url_prefix=f"{PREFIX}/auth", description="Ways in")
keys = PlainBlueprint("keys", __name__)

_AT_THE_DOOR = "Whoever is at the door has not signed in yet"
_IN_THE_BODY = "The body carries the credential"
_ACCEPTED = {"status": "accepted"}
_GONE = {
    "410": {
        "description": "The link was used, replaced, or is too old.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
_FINDING = throttle.ProcessLimit(30, 60.0)
_SHOWN = {
    "access_token": "eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiIwMTkz…",
    "token_type": "Bearer",
    "expires_in": 3600,
    "refresh_token": f"rt_{'0' * 32}_{'A' * 43}",
}


@auth.route("/signin", methods=["POST"])
@public(_AT_THE_DOOR, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(SigninSchema, example={"email": "ada@harbour.example", "password": "a lighthouse in the fog"})
@auth.response(200, TokensSchema, example=_SHOWN)
def signin(data: dict[str, Any]) -> dict[str, Any]:
    """Sign in.

    On the workspace's own host, or on the installation's with `organization_code`.
    """
    tenant = tenant_here(organization_code=data.get("organization_code"))
    attempt = Attempt(data["email"], data["password"], visitor())
    signed = doorman(tenant).sign_in(attempt, kind="api")
    return _tokens(tenant, signed.user, signed.session.id, signed.secret)


@auth.route("/refresh", methods=["POST"])
@public(_IN_THE_BODY, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(RefreshSchema)
@auth.response(200, TokensSchema, example=_SHOWN)
def refresh(data: dict[str, Any]) -> dict[str, Any]:
    """Exchange a refresh token for the next one and a fresh access token.

    Each refresh token works once. A retry within ten seconds gets the same answer; a later one ends the sign-in.
    """
    token = data["refresh_token"]
    tenant = tenant_here(named=_tenant_of_refresh(token))
    rotated = doorman(tenant).refresh(token)
    return _tokens(tenant, rotated.user, rotated.session.id, rotated.token)


@auth.route("/signout", methods=["POST"])
@public("Ending a sign-in takes its token, up to five minutes after its end", host="any", urgency=Urgency.CRITICAL)
@auth.arguments(SignoutSchema, required=False)
@auth.response(204)
def signout(data: dict[str, Any] | None = None) -> None:
    """End this sign-in.

    Takes the access token as Bearer, for five minutes after its end too, or the refresh token.
    """
    token = (data or {}).get("refresh_token", "")
    if token:
        doorman(tenant_here(named=_tenant_of_refresh(token))).sign_out(token=token)
        return
    header = request.headers.get("Authorization")
    if header is None:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    verifier = tokens.verifier(runtime().settings)
    access = verifier.verify(bearer_token(header), now=utcnow(), grace=tokens.GRACE)
    doorman(tenant_here(named=access.tenant_id)).sign_out(session_id=access.session_id)


@auth.route("/signup", methods=["POST"])
@public("Where a workspace is open, strangers may open an account", host="any")
@auth.arguments(SignupSchema, example={"email": "ida@mail.example", "password": "a lighthouse in the fog"})
@auth.response(202, AcceptedSchema)
def signup(data: dict[str, Any]) -> dict[str, str]:
    """Open an account of one's own, where the workspace allows it.

    The answer is the same for every address; what to do next comes by mail.
    """
    tenant = tenant_here(organization_code=data.get("organization_code"))
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        recovery.require_open(ctx)
    hashed = hash_password(runtime().settings, data["password"])
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        recovery.sign_up(ctx, email=data["email"], name=data["name"], password_hash=hashed, ip=visitor().ip)
    return _ACCEPTED


@auth.route("/password/forgot", methods=["POST"])
@public(_AT_THE_DOOR, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(ForgotSchema, example={"email": "ada@harbour.example"})
@auth.response(202, AcceptedSchema)
def forgot(data: dict[str, Any]) -> dict[str, str]:
    """Have a link to set a new password mailed. The answer is the same for every address."""
    tenant = tenant_here(organization_code=data.get("organization_code"))
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        recovery.ask_reset(ctx, email=data["email"], ip=visitor().ip)
    return _ACCEPTED


@auth.route("/password/reset", methods=["POST"])
@public(_IN_THE_BODY, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(ResetSchema)
@auth.doc(responses=_GONE)
@auth.response(204)
def reset(data: dict[str, Any]) -> None:
    """Set a new password by the mailed token; every sign-in of the person ends."""
    tenant = _tenant_of_link("reset", data["token"])
    hashed = hash_password(runtime().settings, data["password"])
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        recovery.reset_password(ctx, token=data["token"], password_hash=hashed)


@auth.route("/verify-email", methods=["POST"])
@public(_IN_THE_BODY, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(LinkSchema)
@auth.doc(responses=_GONE)
@auth.response(204)
def verify_email(data: dict[str, Any]) -> None:
    """Confirm an e-mail address by the mailed token."""
    tenant = _tenant_of_link("verify", data["token"])
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        recovery.verify_email(ctx, token=data["token"])


@auth.route("/verify-email/resend", methods=["POST"])
@access(None)
@auth.response(202, AcceptedSchema)
def resend_verification() -> dict[str, str]:
    """Mail the link that confirms one's address again."""
    ctx = current()
    recovery.resend_verification(ctx, user=service.me(ctx))
    return _ACCEPTED


@auth.route("/invitations/accept", methods=["POST"])
@public(_IN_THE_BODY, host="any", urgency=Urgency.CRITICAL)
@auth.arguments(AcceptSchema)
@auth.doc(responses=_GONE)
@auth.response(201, UserSchema)
def accept(data: dict[str, Any]) -> dict[str, Any]:
    """Accept an invitation by the mailed token."""
    tenant = _tenant_of_link("invite", data["token"])
    hashed = hash_password(runtime().settings, data["password"])
    with runtime().tenant(tenant, actor=ANONYMOUS, request_id=g.request_id) as ctx:
        user = invitations.accept(ctx, token=data["token"], name=data["name"], password_hash=hashed)
        return user_json(user)


@auth.route("/sessions", methods=["GET"])
@access(None)
@auth.response(200, SessionListSchema)
def list_sessions() -> dict[str, Any]:
    """List one's own live sign-ins, the one seen last first."""
    ctx = current()
    rows = queries.list_sessions(ctx, user_id=service.me(ctx).id)
    shown = ("id", "kind", "ip", "user_agent", "created_at", "last_seen_at", "expires_at")
    return {
        "items": [
            {name: getattr(row, name) for name in shown} | {"current": row.id == ctx.actor.session_id} for row in rows
        ]
    }


@auth.route("/sessions/<uuid:session_id>", methods=["DELETE"])
@access(None)
@auth.response(204)
def end_session(session_id: UUID) -> None:
    """End one of one's own sign-ins."""
    service.end_session(current(), session_id=session_id)


@auth.route("/find-workspaces", methods=["POST"])
@public("Whoever looks for a workspace cannot sign in yet", host="apex")
@auth.arguments(FindSchema, example={"email": "ada@harbour.example"})
@auth.response(202, AcceptedSchema)
def find_workspaces(data: dict[str, Any]) -> dict[str, str]:
    """Have the workspaces of an address mailed to it. The answer is the same for every address."""
    find(data["email"])
    return _ACCEPTED


@keys.get("/.well-known/jwks.json")
@public("Whoever checks our tokens needs the public keys", host="any")
def jwks() -> Response:
    """Return the public keys that access tokens are signed with."""
    response = jsonify(tokens.public_keys(runtime().settings))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def find(email: str) -> None:
    """Have the workspaces of an address mailed to it, if this visitor has not asked too often."""
    _FINDING.demand(throttle.prefix_of(visitor().ip))
    directory.ask(runtime(), email=email)


def _tokens(tenant: Tenant, user: Any, session_id: UUID, refresh_token: str) -> dict[str, Any]:
    access_token = tokens.issue(runtime().settings, tenant, user=user, session_id=session_id, now=utcnow())
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(tokens.LIFETIME.total_seconds()),
        "refresh_token": refresh_token,
    }


def _tenant_of_refresh(token: str) -> UUID:
    tenant_id = opaque.tenant_of(opaque.REFRESH, token)
    if tenant_id is None:
        raise TokenInvalid("Sign in again.", headers=tokens.refused())
    return tenant_id


def _tenant_of_link(purpose: str, token: str) -> Tenant:
    tenant_id = links.tenant_of(purpose, token)
    if tenant_id is None:
        raise LinkSpent("A link works for one hour, once. Ask for a new one.")
    return tenant_here(named=tenant_id)
