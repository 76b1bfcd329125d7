"""Keys of stored objects."""

from __future__ import annotations

import secrets
from uuid import UUID


def new_key(tenant_id: UUID, class_: str) -> str:
    """Return a fresh key for an object of `tenant_id`. Nothing that a client sent is ever in it.

    Raises TypeError when `tenant_id` is not a UUID.
    """
    if not isinstance(tenant_id, UUID):
        raise TypeError("an object's key is made from the tenant's UUID")
    return f"tenant/{tenant_id}/{class_}/{secrets.token_urlsafe(24)}"
