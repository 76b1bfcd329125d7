"""What is sold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import RowVersion, TenantBase, TenantOwned, Timestamps
from app.kit.money import MAX_MINOR
from app.store.text import COLLATION

TYPES = ("physical", "ebook", "course", "licence", "bundle")
STATUSES = ("draft", "active", "archived")
# Kinds that leave the house in a parcel.
PHYSICAL = frozenset({"physical"})
# At this many left a product shows up under "Low stock".
LOW_STOCK = 10
MAX_INVENTORY = 10**9


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the condition that `column` holds one of `values`."""
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class Product(TenantOwned, Timestamps, RowVersion, TenantBase):
    """One thing that can be ordered. `inventory` None means that nobody counts it.

    A variant is a product of its own that belongs to another; the one it belongs to is then not ordered itself.
    """

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint(one_of("type", TYPES), name="type"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(one_of("archived_from", STATUSES[:2]), name="archived_from"),
        CheckConstraint("(status = 'archived') = (archived_at IS NOT NULL)", name="archived"),
        CheckConstraint("inventory >= 0", name="inventory"),
        CheckConstraint(f"price_minor >= 0 AND price_minor <= {MAX_MINOR}", name="price"),
        CheckConstraint("length(currency) = 3", name="currency"),
        ForeignKeyConstraint(
            ["tenant_id", "variant_of"], ["product.tenant_id", "product.id"], name="fk_product_variant_of"
        ),
        Index("ix_product_variant", "tenant_id", "variant_of", "id", postgresql_where=text("variant_of IS NOT NULL")),
        Index("uq_product_sku", "tenant_id", "sku_norm", unique=True, postgresql_where=text("status <> 'archived'")),
        Index("ix_product_sku", "tenant_id", "sku_norm", "id"),
        Index("ix_product_name", "tenant_id", "name_norm", "id"),
        Index("ix_product_price", "tenant_id", "price_minor", "id"),
        Index("ix_product_created_at", "tenant_id", "created_at", "id"),
        Index("ix_product_catalogue", "tenant_id", "status", "category", "name_norm", "id"),
        Index("ix_product_stock", "tenant_id", "inventory", postgresql_where=text("inventory IS NOT NULL")),
    )

    type: Mapped[str] = mapped_column(default="physical")
    name: Mapped[str]
    name_norm: Mapped[str] = mapped_column(Text(collation=COLLATION))
    sku: Mapped[str]
    sku_norm: Mapped[str] = mapped_column(Text(collation=COLLATION))
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    price_minor: Mapped[int]
    currency: Mapped[str]
    # The sum of its movements in the stock ledger, kept here by whoever adds one.
    inventory: Mapped[int | None]
    # Whether the ledger knows what was there before its first movement.
    stock_opened: Mapped[bool] = mapped_column(default=False, server_default=false())
    variant_of: Mapped[UUID | None]
    # What tells a variant from its sisters, such as "Large, red".
    variant_name: Mapped[str] = mapped_column(default="", server_default="")
    has_variants: Mapped[bool] = mapped_column(default=False, server_default=false())
    status: Mapped[str] = mapped_column(default="active")
    # What it goes back to when the archiving is undone.
    archived_from: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]

    @property
    def is_physical(self) -> bool:
        """Say whether it leaves in a parcel."""
        return self.type in PHYSICAL

    def archive(self, now: datetime) -> None:
        """Take it out of sale; its number may be given to another product."""
        self.archived_from, self.archived_at, self.status = self.status, now, "archived"

    def restore(self) -> None:
        """Undo `archive`."""
        self.status, self.archived_from, self.archived_at = self.archived_from or "draft", None, None
