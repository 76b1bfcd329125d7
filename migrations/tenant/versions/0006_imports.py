"""Imports: remembered columns, what each import changed and its undoing; exports as Excel workbooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.walls import wall_statements

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("import_mapping", "import_change")
_COLUMNS = ("failed_id uuid", "retry_of uuid", "undo_job_id uuid", "undone_at timestamptz")
_FORMATS = "format IN ('csv', 'ndjson', 'parquet', 'xlsx')"


def upgrade() -> None:
    """Add the columns, let exports be workbooks, and create two tables with the wall around each."""
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE import_run ADD COLUMN {column}")
    op.execute(
        "ALTER TABLE import_run ADD CONSTRAINT fk_import_run_tenant_id_failed_id "
        "FOREIGN KEY (tenant_id, failed_id) REFERENCES file_object (tenant_id, id) NOT VALID"
    )
    # A check that lets more through than before: dropped and added again in one transaction.
    op.execute("ALTER TABLE export_run DROP CONSTRAINT ck_export_run_format")
    op.execute(f"ALTER TABLE export_run ADD CONSTRAINT ck_export_run_format CHECK ({_FORMATS}) NOT VALID")
    _create_mapping()
    _create_change()
    for table in TABLES:
        for statement in wall_statements(table):
            op.execute(statement)


def _create_mapping() -> None:
    op.create_table(
        "import_mapping",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("header_digest", sa.Text(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("resource IN ('products', 'orders')", name="ck_import_mapping_resource"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_mapping"),
        sa.UniqueConstraint(
            "tenant_id", "resource", "header_digest", name="uq_import_mapping_tenant_id_resource_header_digest"
        ),
    )


def _create_change() -> None:
    op.create_table(
        "import_change",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("undo_state", sa.Text(), nullable=True),
        sa.Column("undo_note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('product', 'order')", name="ck_import_change_kind"),
        sa.CheckConstraint("action IN ('created', 'changed')", name="ck_import_change_action"),
        sa.CheckConstraint("undo_state IN ('undone', 'kept')", name="ck_import_change_undo_state"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_change"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["import_run.tenant_id", "import_run.id"],
            name="fk_import_change_tenant_id_run_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_import_change_row", "import_change", ["tenant_id", "run_id", "kind", "action", "row_number", "id"]
    )
    op.create_index(
        "ix_import_change_kept",
        "import_change",
        ["tenant_id", "run_id", "row_number", "id"],
        postgresql_where=sa.text("undo_state = 'kept'"),
    )
