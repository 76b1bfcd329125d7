"""The stock ledger: every change of a product's stock, and what the bundles are made of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import TenantBase, TenantOwned
from app.store.products.models import one_of

# Opening: what was there when the ledger began. Ordered: gone to an order, or held for one that is being paid.
# Released: back from an order that was cancelled or not paid in time.
KINDS = ("opening", "received", "counted", "ordered", "released", "returned", "lost")
# What people may book by hand, and in which direction.
BY_HAND = {"received": 1, "lost": -1}
MAX_PARTS = 50
MAX_PART_QUANTITY = 1000


class StockMovement(TenantOwned, TenantBase):
    """One change of a product's stock. Rows are only ever added; a product's inventory is their sum."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"],
                             name="fk_stock_movement_product", ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["sales_order.tenant_id", "sales_order.id"],
                             name="fk_stock_movement_order"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("quantity <> 0", name="quantity"),
        Index("ix_stock_movement_product", "tenant_id", "product_id", "at", "id"),
        Index("ix_stock_movement_order", "tenant_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )  # fmt: skip

    product_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    # Which line of the order took it: a bundle's line takes several products.
    line_id: Mapped[UUID | None]
    kind: Mapped[str]
    quantity: Mapped[int]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class BundleItem(TenantOwned, TenantBase):
    """So many of one product in a bundle. A bundle holds no bundles, and has no stock of its own."""

    __tablename__ = "bundle_item"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "bundle_id"], ["product.tenant_id", "product.id"],
                             name="fk_bundle_item_bundle", ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"],
                             name="fk_bundle_item_product"),
        UniqueConstraint("tenant_id", "bundle_id", "product_id"),
        CheckConstraint(f"quantity > 0 AND quantity <= {MAX_PART_QUANTITY}", name="quantity"),
        Index("ix_bundle_item_product", "tenant_id", "product_id"),
    )  # fmt: skip

    bundle_id: Mapped[UUID]
    product_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    quantity: Mapped[int]
