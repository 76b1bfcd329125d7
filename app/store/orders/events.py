"""Facts about orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.kit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact(Event):
    """What every fact about an order tells; its id is `aggregate_id`."""

    TYPE: ClassVar[str] = "store.order"
    number: int
    status: str
    payment_status: str
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderFact):
    """Somebody ordered; the stock is taken."""

    TYPE: ClassVar[str] = "store.order.placed.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderFact):
    """The order is taken on."""

    TYPE: ClassVar[str] = "store.order.confirmed.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShipped(OrderFact):
    """The parcel left."""

    TYPE: ClassVar[str] = "store.order.shipped.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(OrderFact):
    """The customer has everything."""

    TYPE: ClassVar[str] = "store.order.delivered.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderFact):
    """The order is off; the stock is back."""

    TYPE: ClassVar[str] = "store.order.cancelled.v1"


BY_STATUS: dict[str, type[OrderFact]] = {
    "confirmed": OrderConfirmed,
    "shipped": OrderShipped,
    "delivered": OrderDelivered,
    "cancelled": OrderCancelled,
}
