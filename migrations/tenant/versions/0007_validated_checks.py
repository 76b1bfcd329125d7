"""The checks and references of the two revisions before are read over the rows that were there before."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CONSTRAINTS = (
    ("sales_order", "ck_sales_order_payment_status"),
    ("sales_order", "ck_sales_order_source"),
    ("sales_order", "ck_sales_order_refunded"),
    ("order_event", "ck_order_event_kind"),
    ("order_line", "ck_order_line_shipped"),
    ("order_line", "ck_order_line_returned"),
    ("product", "fk_product_variant_of"),
    ("export_run", "ck_export_run_format"),
    ("import_run", "fk_import_run_tenant_id_failed_id"),
)


def upgrade() -> None:
    """Validate them: people read and write meanwhile."""
    for table, name in _CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
