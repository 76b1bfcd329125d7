"""People of a tenant, their sessions, tokens and links, and the counters that slow guessing down."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.access.policy import ROLES
from app.kit.clock import utcnow
from app.kit.db import RowVersion, TenantBase, TenantOwned, Timestamps

STATUSES = ("invited", "active", "suspended")
SESSION_KINDS = ("web", "api")
TOKEN_STATES = ("issued", "active", "refreshed", "expired", "revoked")
PURPOSES = ("verify", "reset", "invite")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


def _belongs_to(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete="CASCADE")


class UserAccount(TenantOwned, Timestamps, RowVersion, TenantBase):
    """A person's account inside one tenant."""

    __tablename__ = "user_account"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email_norm"),
        CheckConstraint(_one_of("role", ROLES), name="role"),
        CheckConstraint(_one_of("status", STATUSES), name="status"),
    )

    email: Mapped[str]
    # In the C collation: looked up as bytes, which row security lets the index do.
    email_norm: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(default="")
    # None until the person has chosen one.
    password_hash: Mapped[str | None]
    role: Mapped[str] = mapped_column(default="viewer")
    status: Mapped[str] = mapped_column(default="active")
    email_verified_at: Mapped[datetime | None]
    # Raised with every change of what the person may do.
    perm_epoch: Mapped[int] = mapped_column(Integer, default=1)
    last_login_at: Mapped[datetime | None]
    locale: Mapped[str] = mapped_column(default="")
    time_zone: Mapped[str] = mapped_column(default="")
    invited_by: Mapped[UUID | None]
    invited_at: Mapped[datetime | None]

    @property
    def shown_name(self) -> str:
        """What others see: the name, or the address until there is one."""
        return self.name or self.email


class LoginSession(TenantOwned, TenantBase):
    """One sign-in: a browser's, or the family of one API client's refresh tokens."""

    __tablename__ = "login_session"
    __table_args__ = (
        _belongs_to("user_account", "user_id"),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint(_one_of("kind", SESSION_KINDS), name="kind"),
        CheckConstraint("(kind = 'web') = (token_hash IS NOT NULL)", name="token"),
        Index("ix_login_session_user", "tenant_id", "user_id", "created_at"),
        Index("ix_login_session_expires_at", "tenant_id", "expires_at"),
    )

    user_id: Mapped[UUID]
    kind: Mapped[str]
    token_hash: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    # When its first request came; tokens of a session that was never used stay `issued`.
    activated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str] = mapped_column(default="")
    ip: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")


class AuthToken(TenantOwned, TenantBase):
    """One refresh token of a session's family; each is used once and has one successor."""

    __tablename__ = "auth_token"
    __table_args__ = (
        _belongs_to("login_session", "session_id"),
        UniqueConstraint("tenant_id", "token_hash"),
        UniqueConstraint("tenant_id", "session_id", "generation"),
        CheckConstraint(_one_of("state", TOKEN_STATES), name="state"),
    )

    session_id: Mapped[UUID]
    generation: Mapped[int] = mapped_column(Integer, default=1)
    token_hash: Mapped[str]
    state: Mapped[str] = mapped_column(default="issued")
    issued_at: Mapped[datetime] = mapped_column(default=utcnow)
    spent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class OneTimeToken(TenantOwned, TenantBase):
    """A link that was mailed: for one purpose, one person, once."""

    __tablename__ = "one_time_token"
    __table_args__ = (
        _belongs_to("user_account", "user_id"),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint(_one_of("purpose", PURPOSES), name="purpose"),
        Index("ix_one_time_token_user", "tenant_id", "user_id", "purpose"),
    )

    user_id: Mapped[UUID]
    purpose: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Throttle(TenantOwned, TenantBase):
    """How often something was tried, and until when it may not be tried again."""

    __tablename__ = "throttle"
    __table_args__ = (UniqueConstraint("tenant_id", "scope"), Index("ix_throttle_window", "tenant_id", "window_from"))

    # What is counted and a hash of whom; no address is kept here.
    scope: Mapped[str]
    hits: Mapped[int] = mapped_column(Integer, default=0)
    window_from: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
