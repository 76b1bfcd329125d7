"""What people do with orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.kit.concurrency import ANY_VERSION, Versions
from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.store.orders import errors, events, queries
from app.store.orders.models import MAX_TOTAL, OrderEvent, OrderLine, SalesOrder
from app.store.orders.numbers import take_numbers
from app.store.orders.stock import Wish, offered_products, one_currency, return_stock, take_stock
from app.store.products.models import Product
from app.store.text import email_key
from tenants import quotas
from tenants.context import Ctx

METRIC = "orders"
ADDRESS_FIELDS = ("street", "city", "state", "zip", "country")


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
    """Take the stock, record the order with the names and prices of this moment, and number it.

    Raises Invalid, NotForSale, OutOfStock, LimitExceeded.
    """
    ctx.require("orders.write")
    offered = offered_products(ctx, items)
    currency = one_currency(items, offered)
    tracked = take_stock(ctx, items, offered)
    lines = [_line(ctx, at, wish, offered[wish.product_id], tracked) for at, wish in enumerate(items, start=1)]
    quotas.reserve(ctx, METRIC)
    order = SalesOrder(
        id=new_id(),
        number=take_numbers(ctx),
        customer_email=customer_email,
        customer_email_norm=email_key(customer_email),
        customer_name=customer_name,
        currency=currency,
        total_minor=_total(lines),
        status="pending",
        payment_status="unpaid",
        placed_at=ctx.now,
        source=source,
        note=note,
        created_by=ctx.actor.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        lines=lines,
        **_address(shipping_address or {}),
    )
    ctx.db.add(order)
    ctx.db.flush()
    _remember(ctx, order, "placed", to=order.status)
    ctx.db.flush()
    ctx.emit(_fact(events.OrderPlaced, order))
    return order


def update_order(
    ctx: Ctx, *, order_id: UUID, changes: Mapping[str, Any], versions: Versions = ANY_VERSION
) -> SalesOrder:
    """Change the shipping address or the note; everything else of an order stays as it was agreed.

    Raises NotFound, StaleVersion, OrderClosed.
    """
    ctx.require("orders.write")
    order = queries.get_order(ctx, order_id=order_id, lock=True)
    versions.check(order.row_version)
    wanted: dict[str, Any] = {}
    if "note" in changes:
        wanted["note"] = changes["note"]
    if "shipping_address" in changes:
        wanted |= _address(changes["shipping_address"] or {})
    changed = {name: value for name, value in wanted.items() if getattr(order, name) != value}
    if not changed:
        return order
    if changed.keys() - {"note"} and order.status not in ("pending", "confirmed"):
        raise errors.OrderClosed(f"The address stays as it is once an order is {order.status}.")
    for name, value in changed.items():
        setattr(order, name, value)
    order.updated_at = ctx.now
    _remember(ctx, order, "edited", note=_said(changed))
    ctx.db.flush()
    return order


def add_note(ctx: Ctx, *, order_id: UUID, text: str) -> OrderEvent:
    """Leave a note in the history of an order, for colleagues.

    Raises NotFound.
    """
    ctx.require("orders.write")
    order = queries.get_order(ctx, order_id=order_id)
    event = _remember(ctx, order, "note", note=text)
    ctx.db.flush()
    return event


def move_order(ctx: Ctx, *, order_id: UUID, to: str, note: str = "", versions: Versions = ANY_VERSION) -> SalesOrder:
    """Take an order to its next state; a cancelled one gives its stock back.

    Raises NotFound, StaleVersion, TransitionNotAllowed, AddressMissing.
    """
    ctx.require("orders.write")
    order = queries.get_order(ctx, order_id=order_id, lock=True)
    versions.check(order.row_version)
    _require_open(order, to)
    if to == "cancelled":
        return_stock(ctx, order)
        if order.payment_status == "paid":
            order.payment_status = "refunded"
    before, order.status = order.status, to
    order.updated_at = ctx.now
    _remember(ctx, order, "status", came=before, to=to, note=note)
    ctx.db.flush()
    ctx.emit(_fact(events.BY_STATUS[to], order))
    return order


def mark_paid(ctx: Ctx, *, order_id: UUID, versions: Versions = ANY_VERSION) -> SalesOrder:
    """Record that the money is there. Doing it twice is doing it once.

    Raises NotFound, StaleVersion, OrderClosed.
    """
    ctx.require("orders.write")
    order = queries.get_order(ctx, order_id=order_id, lock=True)
    versions.check(order.row_version)
    if order.payment_status == "paid":
        return order
    if order.status == "cancelled" or order.payment_status == "refunded":
        raise errors.OrderClosed("A cancelled order takes no payment.")
    order.payment_status = "paid"
    order.updated_at = ctx.now
    _remember(ctx, order, "edited", note="Marked as paid")
    ctx.db.flush()
    return order


def record_held_mail(ctx: Ctx, *, order: SalesOrder) -> None:
    """Write into the history that the buyer was not mailed, and why."""
    told = "No mail to the buyer: the e-mail address of whoever did this is not confirmed yet"
    _remember(ctx, order, "edited", note=told)
    ctx.db.flush()


def _require_open(order: SalesOrder, to: str) -> None:
    allowed = order.open_transitions
    if to not in allowed:
        where = f"It can become {' or '.join(allowed)}." if allowed else f"Nothing follows {order.status}."
        raise errors.TransitionNotAllowed(
            f"Order {order.number} is {order.status} and cannot become {to}. {where}", allowed=list(allowed)
        )
    if to == "shipped" and not order.has_address:
        raise errors.AddressMissing(f"Add a shipping address to order {order.number}, then mark it as shipped.")


def _line(ctx: Ctx, position: int, wish: Wish, product: Product, tracked: set[UUID]) -> OrderLine:
    return OrderLine(
        tenant_id=ctx.tenant.id,
        id=new_id(),
        position=position,
        kind="product",
        product_id=product.id,
        product_type=product.type,
        product_name=product.name,
        sku=product.sku,
        quantity=wish.quantity,
        price_minor=product.price_minor,
        subtotal_minor=wish.quantity * product.price_minor,
        stock_taken=product.id in tracked,
    )


def _total(lines: Sequence[OrderLine]) -> int:
    total = sum(line.subtotal_minor for line in lines)
    if total > MAX_TOTAL:
        raise Invalid.field("items", "That is more than one order can book. Make several orders.")
    return total


def _address(address: Mapping[str, str]) -> dict[str, str]:
    return {f"ship_{name}": address.get(name, "") for name in ADDRESS_FIELDS}


def _said(changed: Mapping[str, Any]) -> str:
    parts = [word for word, hit in (("note", "note" in changed), ("address", bool(changed.keys() - {"note"}))) if hit]
    return f"Changed the {' and the '.join(parts)}"


def _remember(
    ctx: Ctx, order: SalesOrder, kind: str, *, came: str | None = None, to: str | None = None, note: str = ""
) -> OrderEvent:
    event = OrderEvent(
        id=new_id(),
        order_id=order.id,
        kind=kind,
        from_status=came,
        to_status=to,
        actor_id=ctx.actor.id,
        actor_name=ctx.actor.name,
        note=note,
        at=ctx.now,
    )
    ctx.db.add(event)
    return event


def _fact(kind: type[events.OrderFact], order: SalesOrder) -> events.OrderFact:
    return kind(
        aggregate_id=order.id,
        number=order.number,
        status=order.status,
        payment_status=order.payment_status,
        total_minor=order.total_minor,
        currency=order.currency,
    )
