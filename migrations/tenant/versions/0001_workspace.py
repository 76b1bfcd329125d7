"""Workspace: a tenant's own settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.walls import wall_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of settings, one row a tenant."""
    op.create_table(
        "workspace",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("signup_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name="ck_workspace_currency"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_workspace"),
        sa.UniqueConstraint("tenant_id", name="uq_workspace_tenant_id"),
    )
    for statement in wall_statements("workspace"):
        op.execute(statement)
