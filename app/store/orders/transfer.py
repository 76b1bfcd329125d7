"""Orders by the hundred, for files of past business: nothing is reserved, mailed or announced for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, or_, select

from app.kit.bulk import insert_many
from app.kit.ids import new_id, parse_id
from app.store.orders.models import OrderEvent, OrderLine, SalesOrder
from app.store.orders.numbers import take_numbers
from app.store.text import email_key
from tenants import quotas
from tenants.context import Ctx


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line as files see it."""

    kind: str
    sku: str
    name: str
    quantity: int
    price_minor: int
    product_id: UUID | None = None
    product_type: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as files see it."""

    reference: str
    placed_at: datetime
    currency: str
    status: str
    payment_status: str
    lines: tuple[LineRow, ...]
    customer_email: str = ""
    customer_name: str = ""
    customer_reference: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""
    note: str = ""

    @property
    def total_minor(self) -> int:
        """What the lines sum up to."""
        return sum(line.quantity * line.price_minor for line in self.lines)


def find_many(ctx: Ctx, references: Collection[str]) -> dict[str, tuple[str, tuple[LineRow, ...]]]:
    """Return `{reference: (currency, lines)}` of the orders that carry one of these references.

    An order without one is known by its id, which is what an export calls it.
    """
    ids = {parsed: ref for ref in references if (parsed := parse_id(ref)) is not None}
    named = or_(
        SalesOrder.external_ref.in_(sorted(references)),
        SalesOrder.id.in_(sorted(ids)) & SalesOrder.external_ref.is_(None),
    )
    orders = ctx.db.execute(
        select(SalesOrder.id, SalesOrder.external_ref, SalesOrder.currency).where(
            SalesOrder.tenant_id == ctx.tenant.id, named
        )
    ).all()
    lines = _lines(ctx, [order.id for order in orders])
    return {o.external_ref or ids[o.id]: (o.currency, tuple(lines.get(o.id, ()))) for o in orders}


def create_many(ctx: Ctx, orders: Sequence[OrderRow], *, source: str) -> dict[str, UUID]:
    """Record past orders with their lines, and count them against the plan; return their ids by reference.

    Stock stays as it is.

    Raises LimitExceeded when they do not fit.
    """
    if not orders:
        return {}
    made: dict[str, UUID] = {}
    quotas.reserve(ctx, "orders", len(orders))
    number = take_numbers(ctx, len(orders))
    heads, lines, events = [], [], []
    for offset, order in enumerate(orders):
        order_id = made[order.reference] = new_id()
        heads.append(_head(ctx, order_id, number + offset, order))
        lines += [_line(ctx, order_id, position, line) for position, line in enumerate(order.lines, 1)]
        events.append(_event(ctx, order_id, order, source))
    for table, rows in ((SalesOrder, heads), (OrderLine, lines), (OrderEvent, events)):
        insert_many(ctx.db, cast(Table, table.__table__), rows)
    return made


def _lines(ctx: Ctx, order_ids: Sequence[UUID]) -> dict[UUID, list[LineRow]]:
    found: dict[UUID, list[LineRow]] = {}
    if not order_ids:
        return found
    rows = ctx.db.execute(
        select(
            OrderLine.order_id,
            OrderLine.kind,
            OrderLine.sku,
            OrderLine.product_name,
            OrderLine.quantity,
            OrderLine.price_minor,
        )
        .where(OrderLine.tenant_id == ctx.tenant.id, OrderLine.order_id.in_(order_ids))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    for order_id, *values in rows:
        found.setdefault(order_id, []).append(LineRow(*cast(Any, values)))
    return found


def _head(ctx: Ctx, order_id: UUID, number: int, order: OrderRow) -> dict[str, Any]:
    email = order.customer_email or None
    return {
        "tenant_id": ctx.tenant.id,
        "id": order_id,
        "number": number,
        "external_ref": order.reference,
        "customer_email": email,
        "customer_email_norm": email_key(email) if email else None,
        "customer_name": order.customer_name,
        "customer_reference": order.customer_reference or None,
        "status": order.status,
        "payment_status": order.payment_status,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "ship_street": order.street,
        "ship_city": order.city,
        "ship_state": order.state,
        "ship_zip": order.zip,
        "ship_country": order.country,
        "placed_at": order.placed_at,
        "source": "import",
        "note": order.note,
        "created_by": ctx.actor.id,
        "created_at": ctx.now,
        "updated_at": ctx.now,
        "row_version": 1,
    }


def _line(ctx: Ctx, order_id: UUID, position: int, line: LineRow) -> dict[str, Any]:
    return {
        "tenant_id": ctx.tenant.id,
        "id": new_id(),
        "order_id": order_id,
        "position": position,
        "kind": line.kind,
        "product_id": line.product_id,
        "product_type": line.product_type,
        "product_name": line.name,
        "sku": line.sku,
        "quantity": line.quantity,
        "price_minor": line.price_minor,
        "subtotal_minor": line.quantity * line.price_minor,
        "stock_taken": False,
    }


def _event(ctx: Ctx, order_id: UUID, order: OrderRow, source: str) -> dict[str, Any]:
    return {
        "tenant_id": ctx.tenant.id,
        "id": new_id(),
        "order_id": order_id,
        "kind": "placed",
        "from_status": None,
        "to_status": order.status,
        "actor_id": ctx.actor.id,
        "actor_name": ctx.actor.name,
        "note": f"Imported from {source}",
        "at": ctx.now,
    }
