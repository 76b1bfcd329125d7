"""JSON of orders: what comes in and what goes out. Totals and prices only ever go out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.kit.fields import REQUIRED, Amount, Choice, Email, Text, Whole
from app.kit.money import to_decimal
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from app.store.answers import instant
from app.store.orders.models import (
    LINE_KINDS,
    MAX_QUANTITY,
    PAYMENT_STATUSES,
    SOURCES,
    STATUSES,
    TRANSITIONS,
    OrderLine,
    SalesOrder,
)
from app.store.orders.placing import ADDRESS_FIELDS
from app.store.orders.queries import SORTS

MAX_LINES = 500
_FULL = f"Order 1 to {MAX_LINES} lines at a time."


class _Closed(Schema):
    class Meta:
        """Refuse unknown fields: a forged total is an error, never ignored."""

        unknown = RAISE


class ShippingAddress(_Closed):
    """Where a parcel goes."""

    street = Text(longest=200, **REQUIRED)
    city = Text(longest=100, **REQUIRED)
    state = Text(longest=100, blank=True, load_default="")
    zip = Text(longest=20, blank=True, load_default="")
    country = Text(longest=60, blank=True, load_default="", metadata={"example": "NL"})


class NewItem(_Closed):
    """So many of one product. Its price is the product's."""

    product_id = fields.UUID(**REQUIRED)
    quantity = Whole(least=1, most=MAX_QUANTITY, **REQUIRED)
    price = Amount(metadata={
        "description": "What the buyer was shown; the order is refused when it costs something else now.",
        "example": "32.00",
    })  # fmt: skip


class NewOrder(_Closed):
    """An order to place. Prices and the total are worked out by the server."""

    customer_email = Email(**REQUIRED, metadata={"example": "ada@brook.example"})
    customer_name = Text(longest=200, blank=True, load_default="")
    items = fields.List(fields.Nested(NewItem), **REQUIRED, validate=validate.Length(min=1, max=MAX_LINES, error=_FULL))
    shipping_address = fields.Nested(ShippingAddress, allow_none=True, load_default=None)
    note = Text(longest=2000, lines=True, blank=True, load_default="")


class OrderChange(_Closed):
    """What may be changed in an order that was placed."""

    shipping_address = fields.Nested(ShippingAddress, allow_none=True)
    note = Text(longest=2000, lines=True, blank=True)


class OrderReplacement(_Closed):
    """All that may be changed; what is left out is emptied."""

    shipping_address = fields.Nested(ShippingAddress, allow_none=True, load_default=None)
    note = Text(longest=2000, lines=True, blank=True, load_default="")


class OrderTransition(_Closed):
    """Where an order shall go."""

    to = Choice(tuple(s for s in STATUSES if any(s in after for after in TRANSITIONS.values())), **REQUIRED)
    note = Text(longest=2000, lines=True, blank=True, load_default="")


class OrderQuery(_Closed):
    """Which orders, and which page of them."""

    cursor = fields.String(metadata={"description": "`next_cursor` of the page before."})
    limit = Whole(least=1, most=MAX_LIMIT, text=True, load_default=DEFAULT_LIMIT)
    status = Choice(STATUSES)
    customer_email = Email()
    number = Whole(least=1, most=10**15, text=True)
    since = fields.AwareDateTime(data_key="from", metadata={"description": "Placed at this instant or later."})
    until = fields.AwareDateTime(data_key="to", metadata={"description": "Placed before this instant."})
    sort = Choice(SORTS, load_default="-placed_at")


class AddressSchema(_Closed):
    """Where the parcel goes."""

    street = fields.String(required=True)
    city = fields.String(required=True)
    state = fields.String(required=True)
    zip = fields.String(required=True)
    country = fields.String(required=True)


class OrderItemSchema(_Closed):
    """One line, as it was agreed."""

    kind = fields.String(required=True, metadata={"enum": LINE_KINDS})
    product_id = fields.UUID(required=True, allow_none=True)
    product_name = fields.String(required=True)
    sku = fields.String(required=True)
    quantity = fields.Integer(required=True)
    price = fields.String(required=True)
    subtotal = fields.String(required=True)


class OrderSummary(_Closed):
    """An order in a list."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    status = fields.String(required=True, metadata={"enum": STATUSES})
    payment_status = fields.String(required=True, metadata={"enum": PAYMENT_STATUSES})
    customer_email = fields.String(required=True, allow_none=True)
    customer_name = fields.String(required=True)
    customer_reference = fields.String(required=True, allow_none=True)
    total_amount = fields.String(required=True)
    currency = fields.String(required=True)
    source = fields.String(required=True, metadata={"enum": SOURCES})
    external_ref = fields.String(required=True, allow_none=True)
    placed_at = fields.DateTime(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class OrderSchema(OrderSummary):
    """An order with its lines."""

    items = fields.List(fields.Nested(OrderItemSchema), required=True)
    shipping_address = fields.Nested(AddressSchema, required=True, allow_none=True)
    note = fields.String(required=True)
    allowed_transitions = fields.List(fields.String(metadata={"enum": STATUSES}), required=True)


class OrderPage(_Closed):
    """One page of orders."""

    items = fields.List(fields.Nested(OrderSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def summary_json(order: Any) -> dict[str, Any]:
    """Return an order, or a row of the list, without its lines; `OrderSummary` is its contract."""
    return {
        "id": str(order.id),
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "customer_email": order.customer_email,
        "customer_name": order.customer_name,
        "customer_reference": order.customer_reference,
        "total_amount": to_decimal(order.total_minor, order.currency),
        "currency": order.currency,
        "source": order.source,
        "external_ref": order.external_ref,
        "placed_at": instant(order.placed_at),
        "created_at": instant(order.created_at),
        "updated_at": instant(order.updated_at),
        "version": order.row_version,
    }


def order_json(order: SalesOrder) -> dict[str, Any]:
    """Return an order with its lines; `OrderSchema` is its contract."""
    address = {name: getattr(order, f"ship_{name}") for name in ADDRESS_FIELDS}
    return {
        **summary_json(order),
        "items": [_item_json(line, order.currency) for line in order.lines],
        "shipping_address": address if any(address.values()) else None,
        "note": order.note,
        "allowed_transitions": list(order.open_transitions),
    }


def _item_json(line: OrderLine, currency: str) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "product_id": str(line.product_id) if line.product_id else None,
        "product_name": line.product_name,
        "sku": line.sku,
        "quantity": line.quantity,
        "price": to_decimal(line.price_minor, currency),
        "subtotal": to_decimal(line.subtotal_minor, currency),
    }
