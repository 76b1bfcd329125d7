"""The control and desk schemas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenants.walls import desk_wall_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What a tenant's own transaction may do on each desk table.
DESK = {
    "outbox": ("INSERT", "INSERT"),
    "job": ("SELECT, INSERT, UPDATE", "INSERT"),
    "idempotency_key": ("SELECT, INSERT, UPDATE", ""),
    "usage": ("SELECT, INSERT, UPDATE", ""),
}
CONTROL = (
    "tenant",
    "placement",
    "host",
    "slug_hold",
    "tier_override",
    "provisioning_run",
    "spare",
    "schema_version",
    "login_directory",
)


def upgrade() -> None:
    """Create the tables, wall the desk in, and open control to its role alone."""
    _control()
    _desk()
    op.execute("GRANT USAGE ON SCHEMA control TO terrace_control")
    for table in CONTROL:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON control.{table} TO terrace_control")
    op.execute("GRANT USAGE ON SCHEMA desk TO terrace_tenant, terrace_platform, terrace_control")
    for table, (tenant_grants, control_grants) in DESK.items():
        for statement in desk_wall_statements(table, tenant_grants=tenant_grants, control_grants=control_grants):
            op.execute(statement)


def _control() -> None:
    op.create_table(
        "schema_version",
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("migrated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("database", "schema_name", name="pk_schema_version"),
        schema="control",
    )
    op.create_table(
        "slug_hold",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_slug_hold"),
        schema="control",
    )
    op.create_table(
        "spare",
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("role_name", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('ready', 'claimed')", name="ck_spare_state"),
        sa.PrimaryKeyConstraint("schema_name", name="pk_spare"),
        schema="control",
    )
    op.create_index(
        "ix_spare_ready",
        "spare",
        ["database", "created_at"],
        unique=False,
        schema="control",
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("admin_email", sa.Text(), nullable=False),
        sa.Column("brand_colour", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signup_key", sa.Text(), nullable=True),
        sa.Column("signup_digest", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('provisioning', 'active', 'suspended', 'failed', 'deleted')", name="ck_tenant_status"
        ),
        sa.CheckConstraint("brand_colour ~ '^#[0-9a-f]{6}$'", name="ck_tenant_brand_colour"),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("signup_key", name="uq_tenant_signup_key"),
        sa.UniqueConstraint("slug", name="uq_tenant_slug"),
        schema="control",
    )
    op.create_index("ix_tenant_created_at", "tenant", ["created_at", "id"], unique=False, schema="control")
    op.create_index("ix_tenant_status", "tenant", ["status"], unique=False, schema="control")
    op.create_table(
        "host",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["control.tenant.id"], name="fk_host_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", name="pk_host"),
        schema="control",
    )
    op.create_index("ix_host_tenant_id", "host", ["tenant_id"], unique=False, schema="control")
    op.create_table(
        "login_directory",
        sa.Column("email_mac", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["control.tenant.id"], name="fk_login_directory_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("email_mac", "tenant_id", name="pk_login_directory"),
        schema="control",
    )
    op.create_table(
        "placement",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("isolation", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("role_name", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("isolation IN ('pooled', 'dedicated')", name="ck_placement_isolation"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["control.tenant.id"], name="fk_placement_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_placement"),
        schema="control",
    )
    op.create_index("ix_placement_schema", "placement", ["database", "schema_name"], unique=False, schema="control")
    op.create_index(
        "uq_placement_dedicated",
        "placement",
        ["database", "schema_name"],
        unique=True,
        schema="control",
        postgresql_where=sa.text("isolation = 'dedicated'"),
    )
    op.create_table(
        "provisioning_run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_admin", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('running', 'succeeded', 'failed')", name="ck_provisioning_run_state"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["control.tenant.id"], name="fk_provisioning_run_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_provisioning_run"),
        schema="control",
    )
    op.create_table(
        "tier_override",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('limit', 'feature')", name="ck_tier_override_kind"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["control.tenant.id"], name="fk_tier_override_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tier_override"),
        sa.UniqueConstraint("tenant_id", "kind", "name", name="uq_tier_override_tenant_id_kind_name"),
        schema="control",
    )


def _desk() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "scope", name="pk_idempotency_key"),
        schema="desk",
    )
    op.create_index("ix_idempotency_key_expires_at", "idempotency_key", ["expires_at"], unique=False, schema="desk")
    op.create_table(
        "job",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("ordering_key", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="ck_job_state"),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name="ck_job_progress"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_job"),
        sa.UniqueConstraint("tenant_id", "dedupe_key", name="uq_job_tenant_id_dedupe_key"),
        schema="desk",
    )
    op.create_index(
        "ix_job_due", "job", ["run_at"], unique=False, schema="desk", postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "ix_job_lease",
        "job",
        ["lease_until"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_job_open_order",
        "job",
        ["tenant_id", "ordering_key", "seq"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("state IN ('queued', 'running') AND ordering_key IS NOT NULL"),
    )
    op.create_index(
        "ix_job_finished_at",
        "job",
        ["finished_at"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "ix_job_waiting",
        "job",
        ["queue", "tenant_id", "seq"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_job_recent", "job", ["tenant_id", "kind", "seq"], unique=False, schema="desk")
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outbox"),
        schema="desk",
    )
    op.create_index(
        "ix_outbox_pending",
        "outbox",
        ["seq"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("relayed_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_relayed_at",
        "outbox",
        ["relayed_at"],
        unique=False,
        schema="desk",
        postgresql_where=sa.text("relayed_at IS NOT NULL"),
    )
    op.create_table(
        "usage",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name="ck_usage_used"),
        sa.PrimaryKeyConstraint("tenant_id", "metric", name="pk_usage"),
        schema="desk",
    )
