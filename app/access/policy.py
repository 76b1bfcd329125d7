"""Roles and what they may: five of them, each holding everything that the ones below it hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

ROLES = ("viewer", "contributor", "approver", "admin", "owner")
OWNER = "owner"

LABELS = {
    "viewer": "Viewer",
    "contributor": "Contributor",
    "approver": "Approver",
    "admin": "Administrator",
    "owner": "Owner",
}
MEANINGS = {
    "viewer": "Sees what is published.",
    "contributor": "Writes and edits.",
    "approver": "Reviews and approves as well.",
    "admin": "Runs the workspace: people, store and settings.",
    "owner": "Decides about plan and ownership as well.",
}


def rank(role: str) -> int:
    """Return the place of `role` from the bottom; an unknown role ranks below all."""
    return ROLES.index(role) if role in ROLES else -1


def permissions_of(role: str, lowest: Mapping[str, str]) -> frozenset[str]:
    """Return what `role` may. `lowest` maps each permission to the lowest role that holds it."""
    return _permissions(role, tuple(lowest.items()))


@lru_cache(maxsize=64)
def _permissions(role: str, lowest: tuple[tuple[str, str], ...]) -> frozenset[str]:
    if role == OWNER:
        return frozenset(name for name, _ in lowest)
    mine = rank(role)
    return frozenset(name for name, least in lowest if 0 <= rank(least) <= mine)


def may_grant(own: str, role: str) -> bool:
    """Say whether a holder of `own` may give `role` to someone: never above themselves, and owner only by owners."""
    return role in ROLES and rank(own) >= rank(role)


def may_manage(own: str, other: str) -> bool:
    """Say whether a holder of `own` may change somebody who holds `other`."""
    return rank(own) >= rank(other)


def grantable(own: str) -> tuple[str, ...]:
    """Return the roles that a holder of `own` may give, lowest first."""
    return tuple(role for role in ROLES if may_grant(own, role))
