"""The journal of migration runs, and the work that revisions leave for after their DDL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the migrator writes them, everybody else may only look."""
    _create_run()
    _create_step()
    _create_work()
    for table in ("migration_run", "migration_step", "schema_work"):
        op.execute(f"GRANT SELECT ON control.{table} TO terrace_control")


def _create_run() -> None:
    op.create_table(
        "migration_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'succeeded', 'failed', 'stopped', 'interrupted')", name="ck_migration_run_state"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_migration_run"),
        schema="control",
    )
    op.create_index("ix_migration_run_started_at", "migration_run", ["started_at"], unique=False, schema="control")


def _create_step() -> None:
    op.create_table(
        "migration_step",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("from_revision", sa.Text(), nullable=False),
        sa.Column("to_revision", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'interrupted')", name="ck_migration_step_state"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["control.migration_run.id"], name="fk_migration_step_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "database", "schema_name", name="pk_migration_step"),
        schema="control",
    )
    op.create_index(
        "ix_migration_step_schema", "migration_step", ["database", "schema_name"], unique=False, schema="control"
    )


def _create_work() -> None:
    op.create_table(
        "schema_work",
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("at_tenant", sa.Uuid(), nullable=True),
        sa.Column("at_row", sa.Uuid(), nullable=True),
        sa.Column("rows_seen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("kind IN ('index', 'batch')", name="ck_schema_work_kind"),
        sa.CheckConstraint("state IN ('waiting', 'done')", name="ck_schema_work_state"),
        sa.PrimaryKeyConstraint("database", "schema_name", "revision", "name", name="pk_schema_work"),
        schema="control",
    )
    op.create_index(
        "ix_schema_work_waiting",
        "schema_work",
        ["database", "schema_name"],
        unique=False,
        schema="control",
        postgresql_where=sa.text("state = 'waiting'"),
    )
