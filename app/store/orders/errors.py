"""What can go wrong with orders, by name."""

from __future__ import annotations

from app.kit.errors import BadRequest, Conflict


class TransitionNotAllowed(Conflict):
    """The order cannot go from its state to that one."""

    code, title = "order.transition_not_allowed", "This order cannot go there"


class AddressMissing(Conflict):
    """A parcel needs an address before it is shipped."""

    code, title = "order.address_missing", "This parcel has no address"


class OrderClosed(Conflict):
    """A delivered or cancelled order keeps its address."""

    code, title = "order.closed", "This order is closed"


class KeyMissing(BadRequest):
    """An order without an idempotency key could be placed twice by a retry."""

    code, title = "idempotency.missing", "This request needs an Idempotency-Key"
