"""What people do with orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.kit.concurrency import ANY_VERSION, Versions
from app.kit.ids import new_id
from app.store.orders import errors, events, queries
from app.store.orders.models import OrderEvent, SalesOrder
from app.store.orders.placing import address_columns, fact
from app.store.products.stock import service as stock
from tenants.context import Ctx


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
        wanted |= address_columns(changes["shipping_address"] or {})
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
        _give_stock_back(ctx, order)
        if order.payment_status == "paid":
            order.payment_status = "refunded"
    before, order.status = order.status, to
    order.updated_at = ctx.now
    _remember(ctx, order, "status", came=before, to=to, note=note)
    ctx.db.flush()
    ctx.emit(fact(events.BY_STATUS[to], order))
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


def _give_stock_back(ctx: Ctx, order: SalesOrder) -> None:
    """Give back what the lines of `order` took; those from before the ledger say it themselves."""
    taken = [line for line in order.lines if line.stock_taken]
    older = [(line.product_id, line.id, line.quantity) for line in taken if line.product_id is not None]
    stock.give_back(ctx, order_id=order.id, older=older, note=f"Order {order.number}")
    for line in taken:
        line.stock_taken = False
    order.held_until = None


def _require_open(order: SalesOrder, to: str) -> None:
    allowed = order.open_transitions
    if to not in allowed:
        where = f"It can become {' or '.join(allowed)}." if allowed else f"Nothing follows {order.status}."
        raise errors.TransitionNotAllowed(
            f"Order {order.number} is {order.status} and cannot become {to}. {where}", allowed=list(allowed)
        )
    if to == "shipped" and not order.has_address:
        raise errors.AddressMissing(f"Add a shipping address to order {order.number}, then mark it as shipped.")


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
