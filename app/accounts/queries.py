"""Reads of people and their sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select

from app.accounts import opaque
from app.accounts.emails import normal_email
from app.accounts.models import AuthToken, LoginSession, UserAccount
from app.kit import paging
from app.kit.errors import NotFound
from app.kit.paging import Cursor, ListKey, Order, Page
from tenants.context import Ctx

_ORDER = Order(UserAccount.created_at, UserAccount.id)


def find_user_by_email(ctx: Ctx, *, email: str) -> UserAccount | None:
    """Return the person with this address, however it is spelled."""
    return ctx.db.scalars(select(UserAccount).where(UserAccount.email_norm == normal_email(email))).one_or_none()


def find_user(ctx: Ctx, *, user_id: UUID) -> UserAccount | None:
    """Return the person with this id."""
    return ctx.db.scalars(select(UserAccount).where(UserAccount.id == user_id)).one_or_none()


def get_user(ctx: Ctx, *, user_id: UUID, lock: bool = False) -> UserAccount:
    """Return the person with this id.

    Raises NotFound.
    """
    query = select(UserAccount).where(UserAccount.id == user_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = ctx.db.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def list_users(ctx: Ctx, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
    """Return people in the order they came, page by page.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"users:{status or ''}")
    start: Cursor | None = paging.decode(key, cursor) if cursor else None
    query = select(UserAccount)
    if status:
        query = query.where(UserAccount.status == status)
    rows: Sequence[UserAccount] = ctx.db.scalars(paging.paged(query, _ORDER, start, limit)).all()
    return paging.page_of(rows, _ORDER, start, limit, key)


def names_of(ctx: Ctx, ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Return the names of these people; ids that are nobody's are left out."""
    wanted = set(ids)
    if not wanted:
        return {}
    rows = ctx.db.execute(
        select(UserAccount.id, UserAccount.name, UserAccount.email).where(
            UserAccount.tenant_id == ctx.tenant.id, UserAccount.id.in_(wanted)
        )
    )
    return {row.id: row.name or row.email for row in rows}


def active_owners(ctx: Ctx) -> set[UUID]:
    """Return the ids of the active owners, locked until the transaction ends."""
    # All in one order: two owners who step down at once must not both be told that the other stays.
    query = select(UserAccount.id).where(
        UserAccount.tenant_id == ctx.tenant.id, UserAccount.role == "owner", UserAccount.status == "active"
    )
    return set(ctx.db.scalars(query.order_by(UserAccount.id).with_for_update()))


def count_seats(ctx: Ctx) -> int:
    """Return how many people take a seat: everyone but the suspended."""
    query = select(func.count()).select_from(UserAccount)
    return ctx.db.scalar(query.where(UserAccount.tenant_id == ctx.tenant.id, UserAccount.status != "suspended")) or 0


def list_sessions(ctx: Ctx, *, user_id: UUID) -> Sequence[LoginSession]:
    """Return the person's live sessions, the one seen last first."""
    query = select(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > ctx.now
    )
    return ctx.db.scalars(query.order_by(LoginSession.last_seen_at.desc(), LoginSession.id).limit(100)).all()


def find_session(ctx: Ctx, *, session_id: object = None, refresh_token: str = "") -> UUID | None:
    """Return the id of the session that an id or one of its refresh tokens names."""
    if refresh_token:
        return ctx.db.scalar(
            select(AuthToken.session_id).where(
                AuthToken.tenant_id == ctx.tenant.id, AuthToken.token_hash == opaque.digest(refresh_token)
            )
        )
    return session_id if isinstance(session_id, UUID) else None
