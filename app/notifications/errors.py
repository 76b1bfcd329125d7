"""What can go wrong with messages, by name."""

from __future__ import annotations

from app.kit.errors import DomainError


class AddressRefused(DomainError):
    """The mail server will never take mail for this address; trying again is of no use."""

    status, code, title = 422, "notifications.address_refused", "This address takes no mail"
