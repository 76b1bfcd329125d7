"""Files: the register of stored objects, imports with their issues, exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.walls import wall_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("file_object", "import_run", "import_row_issue", "export_run")


def upgrade() -> None:
    """Create the four tables and the wall around each."""
    _create_file()
    _create_import()
    _create_issue()
    _create_export()
    for table in TABLES:
        for statement in wall_statements(table):
            op.execute(statement)


def _create_file() -> None:
    op.create_table(
        "file_object",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("class IN ('import', 'report', 'export')", name="ck_file_object_class"),
        sa.CheckConstraint("size >= 0", name="ck_file_object_size"),
        sa.CheckConstraint("state IN ('pending', 'ready', 'deleted')", name="ck_file_object_state"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_file_object"),
    )
    op.create_index("uq_file_object_key", "file_object", ["tenant_id", "key"], unique=True)
    op.create_index(
        "ix_file_object_expiry",
        "file_object",
        ["tenant_id", "expires_at"],
        postgresql_where=sa.text("state <> 'deleted'"),
    )


def _file_key(name: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", column], ["file_object.tenant_id", "file_object.id"], name=name)


def _create_import() -> None:
    op.create_table(
        "import_run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("preview", postgresql.JSONB(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("groups_done", sa.Integer(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_imported", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_failed", sa.Integer(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("notes", postgresql.JSONB(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("resource IN ('products', 'orders')", name="ck_import_run_resource"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_run"),
        _file_key("fk_import_run_tenant_id_file_id", "file_id"),
        _file_key("fk_import_run_tenant_id_report_id", "report_id"),
        sa.UniqueConstraint("tenant_id", "request_key", name="uq_import_run_tenant_id_request_key"),
    )
    op.create_index("ix_import_run_recent", "import_run", ["tenant_id", "created_at", "id"])


def _create_issue() -> None:
    op.create_table(
        "import_row_issue",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("field_name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("is_lost", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_row_issue"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["import_run.tenant_id", "import_run.id"],
            name="fk_import_row_issue_tenant_id_run_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_import_row_issue_row", "import_row_issue", ["tenant_id", "run_id", "row_number", "id"])


def _create_export() -> None:
    op.create_table(
        "export_run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("format IN ('csv', 'ndjson', 'parquet')", name="ck_export_run_format"),
        sa.CheckConstraint("resource IN ('products', 'orders', 'order_lines')", name="ck_export_run_resource"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_export_run"),
        _file_key("fk_export_run_tenant_id_file_id", "file_id"),
    )
    op.create_index("ix_export_run_recent", "export_run", ["tenant_id", "created_at", "id"])
