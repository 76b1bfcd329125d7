"""Reactions to facts about orders: the buyer hears of them by mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.accounts import queries as accounts
from app.kit.errors import NotFound
from app.kit.jobs.registry import JobSpec
from app.kit.money import to_decimal
from app.notifications.service import send_mail
from app.store.orders import queries, service
from app.store.orders.models import SalesOrder
from tenants.context import Ctx


def mail_placed(ctx: Ctx, work: Any, *, event: dict[str, Any]) -> None:
    """Tell the buyer that the order arrived."""
    _mail(ctx, event, "order_placed")


def mail_shipped(ctx: Ctx, work: Any, *, event: dict[str, Any]) -> None:
    """Tell the buyer that the parcel left."""
    _mail(ctx, event, "order_shipped")


def mail_cancelled(ctx: Ctx, work: Any, *, event: dict[str, Any]) -> None:
    """Tell the buyer that the order is off."""
    _mail(ctx, event, "order_cancelled")


MAIL_PLACED = JobSpec("store.mail_order_placed", mail_placed)
MAIL_SHIPPED = JobSpec("store.mail_order_shipped", mail_shipped)
MAIL_CANCELLED = JobSpec("store.mail_order_cancelled", mail_cancelled)


def _mail(ctx: Ctx, event: dict[str, Any], template: str) -> None:
    try:
        order = queries.get_order(ctx, order_id=UUID(event["aggregate_id"]))
    except NotFound:
        # Erased since: there is nobody left to write to.
        return
    if not order.customer_email:
        return
    if _unconfirmed(ctx, event.get("actor_id")):
        service.record_held_mail(ctx, order=order)
    else:
        send_mail(ctx, to=order.customer_email, template=template, **_values(order))


def _unconfirmed(ctx: Ctx, actor_id: str | None) -> bool:
    """Say whether the person behind the event has yet to confirm an address: until then nothing is mailed for them."""
    user = accounts.find_user(ctx, user_id=UUID(actor_id)) if actor_id else None
    return user is not None and user.email_verified_at is None


def _values(order: SalesOrder) -> dict[str, Any]:
    lines = [
        {
            "name": line.product_name,
            "quantity": line.quantity,
            "subtotal": f"{to_decimal(line.subtotal_minor, order.currency)} {order.currency}",
        }
        for line in order.lines
    ]
    address = [
        order.ship_street,
        " ".join(part for part in (order.ship_zip, order.ship_city) if part),
        order.ship_state,
        order.ship_country,
    ]
    return {
        "number": order.number,
        "customer_name": order.customer_name,
        "lines": lines,
        "total": f"{to_decimal(order.total_minor, order.currency)} {order.currency}",
        "address": [part for part in address if part],
    }
