"""What people do with people: the first owner, roles, suspension, and one's own profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.access.policy import LABELS, OWNER, may_grant, may_manage
from app.accounts import links, queries, sessions
from app.accounts.actors import forget_user
from app.accounts.emails import normal_email
from app.accounts.errors import LastOwner, NotInvited
from app.accounts.events import (
    UserActivated,
    UserJoined,
    UserRoleChanged,
    UserSuspended,
)
from app.accounts.letters import mail_verification
from app.accounts.models import UserAccount
from app.kit.concurrency import ANY_VERSION, Versions
from app.kit.errors import Forbidden, NotFound
from tenants import quotas
from tenants.context import Ctx

DIRECTORY = "accounts.directory"


def provision(ctx: Ctx, first_admin: Mapping[str, Any]) -> None:
    """Make the first owner of a new tenant, once."""
    email = str(first_admin["email"]).strip()
    if queries.find_user_by_email(ctx, email=email) is not None:
        return
    quotas.reserve(ctx, "users")
    owner = UserAccount(
        email=email,
        email_norm=normal_email(email),
        name=str(first_admin.get("name") or ""),
        password_hash=first_admin["password_hash"],
        role=OWNER,
        status="active",
    )
    ctx.db.add(owner)
    ctx.db.flush()
    ctx.emit(UserJoined(aggregate_id=owner.id, role=OWNER))
    list_in_directory(ctx, owner.id)
    mail_verification(ctx, owner)


def change_role(ctx: Ctx, *, user_id: UUID, role: str, versions: Versions = ANY_VERSION) -> UserAccount:
    """Give somebody another role; it holds within seconds everywhere.

    Raises Forbidden, NotFound, LastOwner, StaleVersion.
    """
    user = _managed(ctx, user_id, versions)
    if role == user.role:
        return user
    require_grant(ctx, role)
    _keep_an_owner(ctx, user)
    old, user.role = user.role, role
    user.perm_epoch += 1
    ctx.db.flush()
    forget_user(ctx, user.id)
    ctx.emit(UserRoleChanged(aggregate_id=user.id, old_role=old, new_role=role))
    return user


def suspend(ctx: Ctx, *, user_id: UUID, versions: Versions = ANY_VERSION) -> UserAccount:
    """Keep somebody out and free the seat; all sessions end within seconds.

    Raises Forbidden, NotFound, NotInvited for an open invitation, LastOwner, StaleVersion.
    """
    user = _managed(ctx, user_id, versions)
    if user.status == "suspended":
        return user
    if user.status == "invited":
        raise NotInvited("This person has not joined yet. Take the invitation back instead.")
    _keep_an_owner(ctx, user)
    user.status = "suspended"
    user.perm_epoch += 1
    ctx.db.flush()
    quotas.release(ctx, "users")
    sessions.revoke_all(ctx, user_id=user.id, reason="suspended")
    for purpose in ("reset", "verify"):
        links.withdraw(ctx, user_id=user.id, purpose=purpose)
    list_in_directory(ctx, user.id)
    ctx.emit(UserSuspended(aggregate_id=user.id))
    return user


def activate(ctx: Ctx, *, user_id: UUID, versions: Versions = ANY_VERSION) -> UserAccount:
    """Let a suspended person in again, if a seat is free.

    Raises Forbidden, NotFound, LimitExceeded, StaleVersion.
    """
    user = _managed(ctx, user_id, versions)
    if user.status != "suspended":
        return user
    quotas.reserve(ctx, "users")
    user.status = "active"
    user.perm_epoch += 1
    ctx.db.flush()
    forget_user(ctx, user.id)
    list_in_directory(ctx, user.id)
    ctx.emit(UserActivated(aggregate_id=user.id))
    return user


def change_profile(ctx: Ctx, *, name: str | None, time_zone: str | None = None) -> UserAccount:
    """Save one's own name and time zone.

    Raises NotFound for an actor who is no person.
    """
    user = me(ctx)
    user.name = name if name is not None else user.name
    user.time_zone = time_zone if time_zone is not None else user.time_zone
    ctx.db.flush()
    forget_user(ctx, user.id)
    return user


def me(ctx: Ctx) -> UserAccount:
    """Return the acting person's account.

    Raises NotFound for an actor who is no person.
    """
    if ctx.actor.kind != "user" or ctx.actor.id is None:
        raise NotFound
    return queries.get_user(ctx, user_id=ctx.actor.id)


def end_session(ctx: Ctx, *, session_id: UUID) -> None:
    """End one of one's own sessions.

    Raises NotFound.
    """
    own = {row.id for row in queries.list_sessions(ctx, user_id=me(ctx).id)}
    if session_id not in own:
        raise NotFound
    sessions.revoke(ctx, session_id=session_id, reason="signed_out_elsewhere")


def list_in_directory(ctx: Ctx, user_id: UUID) -> None:
    """Bring the login directory into line with this person, after the commit."""
    ctx.enqueue(DIRECTORY, {"user_id": str(user_id)})


def _managed(ctx: Ctx, user_id: UUID, versions: Versions) -> UserAccount:
    """Return somebody whom the actor may change, locked."""
    ctx.require("accounts.user.write")
    if queries.get_user(ctx, user_id=user_id).role == OWNER:
        # All owners before this one: two who change each other, or themselves, must queue and not deadlock.
        queries.active_owners(ctx)
    user = queries.get_user(ctx, user_id=user_id, lock=True)
    versions.check(user.row_version)
    if not may_manage(_own_role(ctx), user.role):
        raise Forbidden(f"Only an {LABELS[user.role].lower()} can change an {LABELS[user.role].lower()}.")
    return user


def require_grant(ctx: Ctx, role: str) -> None:
    """Raise Forbidden unless the actor may give `role`."""
    if not may_grant(_own_role(ctx), role):
        raise Forbidden(f"You cannot give the role {LABELS[role].lower()}: it is above your own.")


def _own_role(ctx: Ctx) -> str:
    return OWNER if ctx.actor.kind == "system" else ctx.actor.role


def _keep_an_owner(ctx: Ctx, user: UserAccount) -> None:
    if user.role == OWNER and user.status == "active" and queries.active_owners(ctx) <= {user.id}:
        raise LastOwner("Make somebody else an owner first.")
