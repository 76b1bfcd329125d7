"""Placing an order: the stock is taken, and the order written with the names and prices of this moment.

The busiest write of the API, and so written with Core: what comes out are plain objects that no session keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert

from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.store.orders import events
from app.store.orders.models import MAX_TOTAL, OrderEvent, OrderLine, SalesOrder
from app.store.orders.numbers import take_numbers
from app.store.products.stock import ledger, offer
from app.store.products.stock.offer import Offer, Wish
from app.store.text import email_key
from tenants import quotas
from tenants.context import Ctx

METRIC = "orders"
ADDRESS_FIELDS = ("street", "city", "state", "zip", "country")
_ORDER, _LINE, _EVENT = (insert(cast(Table, model.__table__)) for model in (SalesOrder, OrderLine, OrderEvent))


def place_order(
    ctx: Ctx,
    *,
    customer_email: str,
    items: Sequence[Wish],
    customer_name: str = "",
    shipping_address: Mapping[str, str] | None = None,
    note: str = "",
    source: str = "web",
) -> SalesOrder:
    """Take the stock and record the order on behalf of the tenant's people.

    Raises Invalid, NotForSale, PriceChanged, OutOfStock, LimitExceeded.
    """
    ctx.require("orders.write")
    return write_order(
        ctx,
        items=items,
        source=source,
        columns={
            "customer_email": customer_email,
            "customer_name": customer_name,
            "note": note,
            **address_columns(shipping_address or {}),
        },
    )


def write_order(
    ctx: Ctx, *, items: Sequence[Wish], source: str, columns: Mapping[str, str], held_until: datetime | None = None
) -> SalesOrder:
    """Take the stock, write the order and number it. `columns` say who orders and where it goes.

    `held_until` is when the stock of an unpaid order goes back; None: when somebody cancels it.

    Raises Invalid, NotForSale, PriceChanged, OutOfStock, LimitExceeded.
    """
    wanted = offer.lock_offer(ctx, items)
    currency = offer.one_currency(items, wanted)
    offer.require_stock(items, wanted)
    order_id = new_id()
    lines = [_line(ctx, order_id, at, wish, wanted) for at, wish in enumerate(items, start=1)]
    total = _total(lines)
    quotas.reserve(ctx, METRIC)
    head = {
        "tenant_id": ctx.tenant.id, "id": order_id, "number": take_numbers(ctx), "currency": currency,
        "customer_email_norm": email_key(columns["customer_email"]), "total_minor": total, "status": "pending",
        "payment_status": "unpaid", "placed_at": ctx.now, "source": source, "created_by": ctx.actor.id,
        "created_at": ctx.now, "updated_at": ctx.now, "row_version": 1, "held_until": held_until, "paid_minor": 0,
        "refunded_minor": 0, "external_ref": None, "customer_reference": None, **columns,
    }  # fmt: skip
    connection = ctx.db.connection()
    connection.execute(_ORDER, head)
    connection.execute(_LINE, lines)
    connection.execute(_EVENT, _placed(ctx, order_id))
    taken = offer.changes(items, wanted, [line["id"] for line in lines])
    ledger.book(ctx, "ordered", taken, wanted.counted(), order_id=order_id, note=f"Order {head['number']}")
    order = SalesOrder(**head, lines=[OrderLine(**line) for line in lines])
    ctx.emit(fact(events.OrderPlaced, order))
    return order


def address_columns(address: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a shipping address; what it leaves out is empty."""
    return {f"ship_{name}": address.get(name, "") for name in ADDRESS_FIELDS}


def fact(kind: type[events.OrderFact], order: SalesOrder) -> events.OrderFact:
    """Return a fact about an order as it is now."""
    return kind(
        aggregate_id=order.id,
        number=order.number,
        status=order.status,
        payment_status=order.payment_status,
        total_minor=order.total_minor,
        currency=order.currency,
    )


def _line(ctx: Ctx, order_id: UUID, position: int, wish: Wish, wanted: Offer) -> dict[str, Any]:
    product = wanted.products[wish.product_id]
    return {
        "tenant_id": ctx.tenant.id, "id": new_id(), "order_id": order_id, "position": position, "kind": "product",
        "product_id": product.id, "product_type": product.type, "product_name": product.name, "sku": product.sku,
        "quantity": wish.quantity, "price_minor": product.price_minor,
        "subtotal_minor": wish.quantity * product.price_minor, "stock_taken": any(wanted.taken_by(wish)),
        "shipped": 0, "returned": 0,
    }  # fmt: skip


def _total(lines: Sequence[Mapping[str, Any]]) -> int:
    total: int = sum(line["subtotal_minor"] for line in lines)
    if total > MAX_TOTAL:
        raise Invalid.field("items", "That is more than one order can book. Make several orders.")
    return total


def _placed(ctx: Ctx, order_id: UUID) -> dict[str, Any]:
    return {
        "tenant_id": ctx.tenant.id, "id": new_id(), "order_id": order_id, "kind": "placed", "from_status": None,
        "to_status": "pending", "actor_id": ctx.actor.id, "actor_name": ctx.actor.name, "note": "", "at": ctx.now,
    }  # fmt: skip
