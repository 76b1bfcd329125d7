"""Names of keys in Redis: one prefix, one builder, so that no two tenants and no two purposes can meet in one key.

Only RQ's own keys (`rq:*`) are named elsewhere.
"""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

PREFIX = "terrace"


def platform_key(*parts: str | int) -> str:
    """Return the platform's key made of `parts`, in the order given."""
    return ":".join((PREFIX, "platform", *map(_safe, parts)))


def tenant_key(tenant_id: UUID, *parts: str | int) -> str:
    """Return the key made of `parts` that belongs to one tenant.

    Raises TypeError when `tenant_id` is not a UUID: a text from a client must never choose a tenant's keys.
    """
    if not isinstance(tenant_id, UUID):
        raise TypeError("a tenant's key is made from its UUID")
    # Braces: on a cluster all keys of a tenant hash to one slot, so that a script may use several of them.
    return ":".join((PREFIX, "tenant", f"{{{tenant_id}}}", *map(_safe, parts)))


def _safe(part: str | int) -> str:
    # The separator inside a part would make two different lists of parts into one key.
    return quote(str(part), safe="@.,-_")
