"""Identifiers: UUIDv7, made in Python so that the client of a retry can send one (RFC 9562 §5.7)."""

from __future__ import annotations

import uuid

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7: 74 random bits behind a millisecond time stamp."""
    return uuid.UUID(int=compat.uuid7().int)


def parse_id(value: object) -> uuid.UUID | None:
    """Return `value` as a UUID in its canonical 36-character form, else None."""
    text = str(value)
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
