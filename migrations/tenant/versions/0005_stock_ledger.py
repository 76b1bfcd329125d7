"""The stock ledger, bundles and variants; holds of orders that are being paid; what was shipped and what came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.migration.declared import ConcurrentIndex
from tenants.walls import wall_statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The ledger is only ever added to.
TABLES = {"stock_movement": "SELECT, INSERT, DELETE", "bundle_item": "SELECT, INSERT, UPDATE, DELETE"}
_COLUMNS = (
    "product ADD COLUMN stock_opened boolean NOT NULL DEFAULT false",
    "product ADD COLUMN variant_of uuid",
    "product ADD COLUMN variant_name text NOT NULL DEFAULT ''",
    "product ADD COLUMN has_variants boolean NOT NULL DEFAULT false",
    "sales_order ADD COLUMN held_until timestamptz",
    "sales_order ADD COLUMN paid_minor bigint NOT NULL DEFAULT 0",
    "sales_order ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0",
    "order_line ADD COLUMN shipped bigint NOT NULL DEFAULT 0",
    "order_line ADD COLUMN returned bigint NOT NULL DEFAULT 0",
)
# Checks that let more through than before: dropped and added again in one transaction.
_WIDER = {
    ("sales_order", "payment_status"): (
        "payment_status IN ('unpaid', 'requires_action', 'paid', 'partially_refunded', 'refunded', 'failed')"
    ),
    ("sales_order", "source"): "source IN ('web', 'api', 'import', 'shop')",
    ("order_event", "kind"): (
        "kind IN ('placed', 'status', 'edited', 'note', 'payment', 'shipment', 'return', 'refund')"
    ),
}
_NEW_CHECKS = {
    ("sales_order", "refunded"): "refunded_minor >= 0 AND refunded_minor <= paid_minor",
    ("order_line", "shipped"): "shipped >= 0 AND shipped <= quantity",
    ("order_line", "returned"): "returned >= 0 AND returned <= quantity",
}


def upgrade() -> None:
    """Add the columns, loosen three checks, and create two tables with the wall around each."""
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE {column}")
    for (table, name), condition in _WIDER.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    for (table, name), condition in _NEW_CHECKS.items():
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    op.execute(
        "ALTER TABLE product ADD CONSTRAINT fk_product_variant_of "
        "FOREIGN KEY (tenant_id, variant_of) REFERENCES product (tenant_id, id) NOT VALID"
    )
    _create_movement()
    _create_bundle_item()
    for table, grants in TABLES.items():
        for statement in wall_statements(table, grants=grants):
            op.execute(statement)


def concurrently() -> list[ConcurrentIndex]:
    """Indexes of tables that have rows."""
    return [
        ConcurrentIndex(
            "ix_product_variant", "product", ("tenant_id", "variant_of", "id"), where="variant_of IS NOT NULL"
        ),
        ConcurrentIndex(
            "ix_sales_order_held_until", "sales_order", ("tenant_id", "held_until"), where="held_until IS NOT NULL"
        ),
    ]


def _create_movement() -> None:
    op.create_table(
        "stock_movement",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('opening', 'received', 'counted', 'ordered', 'released', 'returned', 'lost')",
            name="ck_stock_movement_kind",
        ),
        sa.CheckConstraint("quantity <> 0", name="ck_stock_movement_quantity"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["product.tenant_id", "product.id"],
            name="fk_stock_movement_product",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["sales_order.tenant_id", "sales_order.id"], name="fk_stock_movement_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_stock_movement"),
    )
    op.create_index("ix_stock_movement_product", "stock_movement", ["tenant_id", "product_id", "at", "id"])
    op.create_index(
        "ix_stock_movement_order",
        "stock_movement",
        ["tenant_id", "order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )


def _create_bundle_item() -> None:
    op.create_table(
        "bundle_item",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bundle_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND quantity <= 1000", name="ck_bundle_item_quantity"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bundle_id"],
            ["product.tenant_id", "product.id"],
            name="fk_bundle_item_bundle",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name="fk_bundle_item_product"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_bundle_item"),
        sa.UniqueConstraint(
            "tenant_id", "bundle_id", "product_id", name="uq_bundle_item_tenant_id_bundle_id_product_id"
        ),
    )
    op.create_index("ix_bundle_item_product", "bundle_item", ["tenant_id", "product_id"])
