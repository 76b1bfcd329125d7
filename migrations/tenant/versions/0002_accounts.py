"""Accounts: people, their sessions, refresh tokens and mailed links, and the counters that slow guessing down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.walls import wall_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("user_account", "login_session", "auth_token", "one_time_token", "throttle")


def upgrade() -> None:
    """Create the five tables and the wall around each."""
    _create_user()
    _create_session()
    _create_token()
    _create_link()
    _create_throttle()
    for table in TABLES:
        for statement in wall_statements(table):
            op.execute(statement)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key() -> tuple[sa.Column[object], sa.Column[object]]:
    return sa.Column("tenant_id", sa.Uuid(), nullable=False), sa.Column("id", sa.Uuid(), nullable=False)


def _parent(table: str, parent: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{parent}.tenant_id", f"{parent}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )


def _create_user() -> None:
    op.create_table(
        "user_account",
        *_key(),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_norm", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        _instant("email_verified_at", nullable=True),
        sa.Column("perm_epoch", sa.Integer(), nullable=False),
        _instant("last_login_at", nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        _instant("invited_at", nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('viewer', 'contributor', 'approver', 'admin', 'owner')", name="ck_user_account_role"
        ),
        sa.CheckConstraint("status IN ('invited', 'active', 'suspended')", name="ck_user_account_status"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_user_account"),
        sa.UniqueConstraint("tenant_id", "email_norm", name="uq_user_account_tenant_id_email_norm"),
    )


def _create_session() -> None:
    op.create_table(
        "login_session",
        *_key(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        _instant("created_at"),
        _instant("last_seen_at"),
        _instant("expires_at"),
        _instant("activated_at", nullable=True),
        _instant("revoked_at", nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('web', 'api')", name="ck_login_session_kind"),
        sa.CheckConstraint("(kind = 'web') = (token_hash IS NOT NULL)", name="ck_login_session_token"),
        _parent("login_session", "user_account", "user_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_login_session"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_login_session_tenant_id_token_hash"),
    )
    op.create_index("ix_login_session_user", "login_session", ["tenant_id", "user_id", "created_at"])
    op.create_index("ix_login_session_expires_at", "login_session", ["tenant_id", "expires_at"])


def _create_token() -> None:
    op.create_table(
        "auth_token",
        *_key(),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _instant("issued_at"),
        _instant("spent_at", nullable=True),
        _instant("expires_at"),
        sa.CheckConstraint(
            "state IN ('issued', 'active', 'refreshed', 'expired', 'revoked')", name="ck_auth_token_state"
        ),
        _parent("auth_token", "login_session", "session_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_auth_token"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_auth_token_tenant_id_token_hash"),
        sa.UniqueConstraint(
            "tenant_id", "session_id", "generation", name="uq_auth_token_tenant_id_session_id_generation"
        ),
    )


def _create_link() -> None:
    op.create_table(
        "one_time_token",
        *_key(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        _instant("created_at"),
        _instant("expires_at"),
        _instant("used_at", nullable=True),
        sa.CheckConstraint("purpose IN ('verify', 'reset', 'invite')", name="ck_one_time_token_purpose"),
        _parent("one_time_token", "user_account", "user_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_one_time_token"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_one_time_token_tenant_id_token_hash"),
    )
    op.create_index("ix_one_time_token_user", "one_time_token", ["tenant_id", "user_id", "purpose"])


def _create_throttle() -> None:
    op.create_table(
        "throttle",
        *_key(),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        _instant("window_from"),
        _instant("blocked_until", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_throttle"),
        sa.UniqueConstraint("tenant_id", "scope", name="uq_throttle_tenant_id_scope"),
    )
    op.create_index("ix_throttle_window", "throttle", ["tenant_id", "window_from"])
