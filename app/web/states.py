"""One map from state to chip, so that a state has the same icon, word and colour in every module."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks: the icon's shape differs by state, so that colour is never alone."""

    word: str
    icon: str
    tint: str


OK, WAIT, BAD, GO, LATER, IDLE = "ok", "wait", "bad", "go", "later", "idle"

LOOKS: dict[str, Look] = {
    "accepted": Look("Accepted", "circle-check", OK),
    "active": Look("Active", "circle-check", OK),
    "archived": Look("Archived", "ban", IDLE),
    "cancelled": Look("Cancelled", "ban", IDLE),
    "confirmed": Look("Confirmed", "circle-half-2", GO),
    "deactivated": Look("Deactivated", "ban", IDLE),
    "deleted": Look("Deleted", "ban", IDLE),
    "delivered": Look("Delivered", "circle-check", OK),
    "draft": Look("Draft", "circle-dashed", IDLE),
    "expired": Look("Expired", "clock", IDLE),
    "failed": Look("Failed", "circle-x", BAD),
    "inactive": Look("Inactive", "ban", IDLE),
    "invited": Look("Invited", "mail", WAIT),
    "low_stock": Look("Low stock", "alert-triangle", WAIT),
    "owner": Look("Owner", "key", GO),
    "paid": Look("Paid", "circle-check", OK),
    "partially_refunded": Look("Partly refunded", "arrow-back-up", LATER),
    "pending": Look("Pending", "clock", WAIT),
    "placed": Look("Placed", "circle-dot", WAIT),
    "processing": Look("Processing", "circle-half-2", GO),
    "provisioning": Look("Opening", "circle-half-2", GO),
    "queued": Look("Waiting", "clock", WAIT),
    "refunded": Look("Refunded", "arrow-back-up", LATER),
    "requires_action": Look("Waits for the bank", "clock", WAIT),
    "running": Look("Running", "circle-half-2", GO),
    "scheduled": Look("Scheduled", "clock", LATER),
    "shipped": Look("Shipped", "truck", GO),
    "sold_out": Look("Sold out", "circle-x", BAD),
    "succeeded": Look("Done", "circle-check", OK),
    "suspended": Look("Suspended", "lock", BAD),
    "trial": Look("Trial", "clock", LATER),
    "unpaid": Look("Unpaid", "cash", WAIT),
    "unverified": Look("Not confirmed yet", "mail", WAIT),
    "verified": Look("Confirmed", "circle-check", OK),
}


def look_of(state: str) -> Look:
    """Return how `state` looks; one that nobody registered is a plain word."""
    return LOOKS.get(state) or Look(state.replace("_", " ").capitalize(), "circle-dot", IDLE)


def register(state: str, look: Look) -> None:
    """Add a state of a module.

    Raises ValueError when another module gave the same state another look.
    """
    if LOOKS.setdefault(state, look) != look:
        raise ValueError(f"The state {state} has a look already")
