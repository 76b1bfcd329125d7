"""Optimistic locking over HTTP: the row's version is its `ETag`, and `If-Match` names the version that was changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.kit.errors import StaleVersion, VersionRequired

_TAG = re.compile(r'"(\d{1,9})"')
_STALE = "Someone saved this meanwhile. Load it again, then repeat your change."
_MISSING = "Send If-Match with the ETag of what you changed, so that nobody's work is overwritten unseen."


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a client is ready to change; `None` means any."""

    accepted: frozenset[int] | None

    def check(self, row_version: int) -> None:
        """Raise StaleVersion unless `row_version` is one of them."""
        if self.accepted is not None and row_version not in self.accepted:
            raise StaleVersion(_STALE)


ANY_VERSION = Versions(None)


def etag(row_version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{row_version}"'


def if_match(header: str | None) -> Versions:
    """Read an `If-Match` header; weak or foreign tags match nothing.

    Raises VersionRequired when there is none.
    """
    if header is None or not header.strip():
        raise VersionRequired(_MISSING)
    if header.strip() == "*":
        return ANY_VERSION
    tags = (_TAG.fullmatch(part.strip()) for part in header.split(","))
    return Versions(frozenset(int(tag.group(1)) for tag in tags if tag))


def form_version(value: str | None) -> Versions:
    """Read the hidden `version` field of a form.

    Raises VersionRequired when there is none.
    """
    if value is None or not re.fullmatch(r"\d{1,9}", value):
        raise VersionRequired(_MISSING)
    return Versions(frozenset({int(value)}))
