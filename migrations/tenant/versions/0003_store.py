"""Store: products, orders with their lines and history, and the counter of order numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tenants.walls import wall_statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("product", "sales_order", "order_line", "order_event", "order_counter")


def upgrade() -> None:
    """Create the five tables and the wall around each."""
    _create_product()
    _create_order()
    _create_line()
    _create_event()
    _create_counter()
    for table in TABLES:
        for statement in wall_statements(table):
            op.execute(statement)


def _create_product() -> None:
    op.create_table(
        "product",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_norm", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("sku_norm", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("inventory", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("archived_from", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(status = 'archived') = (archived_at IS NOT NULL)", name="ck_product_archived"),
        sa.CheckConstraint("archived_from IN ('draft', 'active')", name="ck_product_archived_from"),
        sa.CheckConstraint("status IN ('draft', 'active', 'archived')", name="ck_product_status"),
        sa.CheckConstraint("type IN ('physical', 'ebook', 'course', 'licence', 'bundle')", name="ck_product_type"),
        sa.CheckConstraint("inventory >= 0", name="ck_product_inventory"),
        sa.CheckConstraint("length(currency) = 3", name="ck_product_currency"),
        sa.CheckConstraint("price_minor >= 0 AND price_minor <= 1000000000000", name="ck_product_price"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_product"),
    )
    op.create_index("ix_product_catalogue", "product", ["tenant_id", "status", "category", "name_norm", "id"])
    op.create_index("ix_product_created_at", "product", ["tenant_id", "created_at", "id"])
    op.create_index("ix_product_name", "product", ["tenant_id", "name_norm", "id"])
    op.create_index("ix_product_price", "product", ["tenant_id", "price_minor", "id"])
    op.create_index("ix_product_sku", "product", ["tenant_id", "sku_norm", "id"])
    op.create_index(
        "ix_product_stock", "product", ["tenant_id", "inventory"], postgresql_where=sa.text("inventory IS NOT NULL")
    )
    op.create_index(
        "uq_product_sku",
        "product",
        ["tenant_id", "sku_norm"],
        unique=True,
        postgresql_where=sa.text("status <> 'archived'"),
    )


def _create_order() -> None:
    op.create_table(
        "sales_order",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("customer_email_norm", sa.Text(collation="C"), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=False),
        sa.Column("customer_reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("ship_street", sa.Text(), nullable=False),
        sa.Column("ship_city", sa.Text(), nullable=False),
        sa.Column("ship_state", sa.Text(), nullable=False),
        sa.Column("ship_zip", sa.Text(), nullable=False),
        sa.Column("ship_country", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("payment_status IN ('unpaid', 'paid', 'refunded')", name="ck_sales_order_payment_status"),
        sa.CheckConstraint("source IN ('web', 'api', 'import')", name="ck_sales_order_source"),
        sa.CheckConstraint(
            "status IN ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled')", name="ck_sales_order_status"
        ),
        sa.CheckConstraint("length(currency) = 3", name="ck_sales_order_currency"),
        sa.CheckConstraint("total_minor >= 0 AND total_minor <= 1000000000000000", name="ck_sales_order_total"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sales_order"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_sales_order_tenant_id_number"),
    )
    op.create_index("ix_sales_order_customer", "sales_order", ["tenant_id", "customer_email_norm", "placed_at", "id"])
    op.create_index("ix_sales_order_placed_at", "sales_order", ["tenant_id", "placed_at", "id"])
    op.create_index("ix_sales_order_status", "sales_order", ["tenant_id", "status", "placed_at", "id"])
    op.create_index(
        "uq_sales_order_external_ref",
        "sales_order",
        ["tenant_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )


def _create_line() -> None:
    op.create_table(
        "order_line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("product_type", sa.Text(), nullable=True),
        sa.Column("product_name", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("stock_taken", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind <> 'product' OR product_id IS NOT NULL", name="ck_order_line_product"),
        sa.CheckConstraint("kind IN ('product', 'postage', 'fee', 'discount', 'manual')", name="ck_order_line_kind"),
        sa.CheckConstraint("price_minor >= 0 OR kind IN ('discount', 'manual')", name="ck_order_line_price"),
        sa.CheckConstraint("quantity > 0 AND quantity <= 1000000", name="ck_order_line_quantity"),
        sa.CheckConstraint("subtotal_minor = quantity * price_minor", name="ck_order_line_subtotal"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["sales_order.tenant_id", "sales_order.id"],
            name="fk_order_line_order",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name="fk_order_line_product"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_order_line"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_order_line_tenant_id_order_id_position"),
    )
    op.create_index(
        "ix_order_line_product",
        "order_line",
        ["tenant_id", "product_id"],
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )


def _create_event() -> None:
    op.create_table(
        "order_event",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('placed', 'status', 'edited', 'note')", name="ck_order_event_kind"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["sales_order.tenant_id", "sales_order.id"],
            name="fk_order_event_order",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_order_event"),
    )
    op.create_index("ix_order_event_order", "order_event", ["tenant_id", "order_id", "at", "id"])


def _create_counter() -> None:
    op.create_table(
        "order_counter",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_order_counter"),
        sa.UniqueConstraint("tenant_id", name="uq_order_counter_tenant_id"),
    )
