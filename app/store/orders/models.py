"""What was ordered: the order, its lines with the name and price of that day, and what happened to it since."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kit.db import RowVersion, TenantBase, TenantOwned, Timestamps
from app.store.text import COLLATION

STATUSES = ("pending", "confirmed", "shipped", "delivered", "cancelled")
PAYMENT_STATUSES = ("unpaid", "requires_action", "paid", "partially_refunded", "refunded", "failed")
SOURCES = ("web", "api", "import", "shop")
LINE_KINDS = ("product", "postage", "fee", "discount", "manual")
EVENT_KINDS = ("placed", "status", "edited", "note", "payment", "shipment", "return", "refund")
MAX_QUANTITY = 1_000_000
MAX_TOTAL = 10**15
# Orders are numbered from 1001: a first order called "1" looks like a trial.
FIRST_NUMBER = 1001

# Everything that may happen to an order; what is not here is refused.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "pending": ("confirmed", "cancelled"),
    "confirmed": ("shipped", "delivered", "cancelled"),
    "shipped": ("delivered",),
    "delivered": (),
    "cancelled": (),
}


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class SalesOrder(TenantOwned, Timestamps, RowVersion, TenantBase):
    """One order of one customer, in one currency."""

    __tablename__ = "sales_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint(_one_of("payment_status", PAYMENT_STATUSES), name="payment_status"),
        CheckConstraint(_one_of("source", SOURCES), name="source"),
        CheckConstraint("length(currency) = 3", name="currency"),
        CheckConstraint(f"total_minor >= 0 AND total_minor <= {MAX_TOTAL}", name="total"),
        CheckConstraint("refunded_minor >= 0 AND refunded_minor <= paid_minor", name="refunded"),
        Index("ix_sales_order_held_until", "tenant_id", "held_until", postgresql_where=text("held_until IS NOT NULL")),
        Index("uq_sales_order_external_ref", "tenant_id", "external_ref", unique=True,
              postgresql_where=text("external_ref IS NOT NULL")),
        Index("ix_sales_order_status", "tenant_id", "status", "placed_at", "id"),
        Index("ix_sales_order_customer", "tenant_id", "customer_email_norm", "placed_at", "id"),
        Index("ix_sales_order_placed_at", "tenant_id", "placed_at", "id"),
    )  # fmt: skip

    number: Mapped[int]
    # What another system calls it; the same file read twice finds its orders by it.
    external_ref: Mapped[str | None]
    customer_email: Mapped[str | None]
    customer_email_norm: Mapped[str | None] = mapped_column(Text(collation=COLLATION))
    customer_name: Mapped[str] = mapped_column(default="")
    customer_reference: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="pending")
    payment_status: Mapped[str] = mapped_column(default="unpaid")
    currency: Mapped[str]
    total_minor: Mapped[int]
    ship_street: Mapped[str] = mapped_column(default="")
    ship_city: Mapped[str] = mapped_column(default="")
    ship_state: Mapped[str] = mapped_column(default="")
    ship_zip: Mapped[str] = mapped_column(default="")
    ship_country: Mapped[str] = mapped_column(default="")
    placed_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(default="web")
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[UUID | None]
    # Until when its stock waits for the payment; empty for an order that waits for nothing, or no longer has stock.
    held_until: Mapped[datetime | None]
    paid_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_minor: Mapped[int] = mapped_column(default=0, server_default="0")

    lines: Mapped[list[OrderLine]] = relationship(
        lazy="raise", order_by="OrderLine.position", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def has_parcel(self) -> bool:
        """Say whether something in it must be shipped."""
        return any(line.product_type == "physical" for line in self.lines)

    @property
    def has_address(self) -> bool:
        """Say whether a parcel could find its way."""
        return bool(self.ship_street and self.ship_city)

    @property
    def open_transitions(self) -> tuple[str, ...]:
        """The states it may go to from here: a parcel is shipped first, everything else is delivered at once."""
        after = TRANSITIONS[self.status]
        if self.status != "confirmed":
            return after
        return tuple(to for to in after if to != ("delivered" if self.has_parcel else "shipped"))


class OrderLine(TenantOwned, TenantBase):
    """One line, as it was agreed: later changes of the product leave it alone."""

    __tablename__ = "order_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["sales_order.tenant_id", "sales_order.id"],
                             name="fk_order_line_order", ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"],
                             name="fk_order_line_product"),
        UniqueConstraint("tenant_id", "order_id", "position"),
        CheckConstraint(_one_of("kind", LINE_KINDS), name="kind"),
        CheckConstraint("kind <> 'product' OR product_id IS NOT NULL", name="product"),
        CheckConstraint(f"quantity > 0 AND quantity <= {MAX_QUANTITY}", name="quantity"),
        CheckConstraint("subtotal_minor = quantity * price_minor", name="subtotal"),
        CheckConstraint("price_minor >= 0 OR kind IN ('discount', 'manual')", name="price"),
        CheckConstraint("shipped >= 0 AND shipped <= quantity", name="shipped"),
        CheckConstraint("returned >= 0 AND returned <= quantity", name="returned"),
        Index("ix_order_line_product", "tenant_id", "product_id", postgresql_where=text("product_id IS NOT NULL")),
    )  # fmt: skip

    order_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(default="product")
    product_id: Mapped[UUID | None]
    product_type: Mapped[str | None]
    product_name: Mapped[str]
    sku: Mapped[str] = mapped_column(default="")
    quantity: Mapped[int]
    price_minor: Mapped[int]
    subtotal_minor: Mapped[int]
    # Whether the stock was lowered for it; the ledger says by how much of what.
    stock_taken: Mapped[bool] = mapped_column(default=False)
    # How many have left the house or were handed over, and how many of those came back.
    shipped: Mapped[int] = mapped_column(default=0, server_default="0")
    returned: Mapped[int] = mapped_column(default=0, server_default="0")


class OrderEvent(TenantOwned, TenantBase):
    """One thing that happened to an order: who, when, from which state to which."""

    __tablename__ = "order_event"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["sales_order.tenant_id", "sales_order.id"],
                             name="fk_order_event_order", ondelete="CASCADE"),
        CheckConstraint(_one_of("kind", EVENT_KINDS), name="kind"),
        Index("ix_order_event_order", "tenant_id", "order_id", "at", "id"),
    )  # fmt: skip

    order_id: Mapped[UUID]
    kind: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class OrderCounter(TenantOwned, TenantBase):
    """The last order number that was given; locked by the transaction that takes the next."""

    __tablename__ = "order_counter"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    last_number: Mapped[int]
