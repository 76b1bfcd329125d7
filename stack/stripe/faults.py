"""Faults to order: the next calls of a kind fail, are told to slow down, hang, or are cut off."""

import threading
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from stack.stripe.manners import Misspelt

KINDS = ("error", "rate_limit", "cut", "slow")
_LONGEST = 600


@dataclass(frozen=True)
class Fault:
    """What goes wrong with which calls: `match` is method and path, as in `POST /v1/refunds` or `* /v1/checkout/*`."""

    kind: str
    match: str = "*"
    count: int = 1
    # Whether the call does its work all the same.
    effect: bool = False
    # For `slow`: how long the call hangs before it goes on.
    seconds: float = 30

    @classmethod
    def read(cls, wishes: dict[str, Any]) -> "Fault":
        """Return the fault that a control call describes. Raises Misspelt."""
        try:
            fault = cls(**wishes)
            bad = fault.kind not in KINDS or fault.count < 1 or not 0 <= fault.seconds <= _LONGEST
        except TypeError as error:
            raise Misspelt(f"A fault has kind, match, count, effect and seconds; {error}.") from error
        if bad:
            raise Misspelt(f"kind is one of {', '.join(KINDS)}, count at least 1, seconds at most {_LONGEST}.")
        # A call that hangs goes on afterwards, unless it is told not to.
        return replace(fault, effect=wishes.get("effect", fault.kind == "slow"))


class Faults:
    """The faults that are still to come, for each account in the order they were ordered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._coming: dict[str, list[Fault]] = {}
        self._relief: dict[str, threading.Event] = {}

    def order(self, account: str, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._coming.setdefault(account, []).append(fault)

    def take(self, account: str, what: str) -> Fault | None:
        """Return the fault that hits this call, or None."""
        with self._lock:
            coming = self._coming.get(account, [])
            hit = next((fault for fault in coming if fnmatchcase(what, fault.match)), None)
            if hit is not None:
                place = coming.index(hit)
                coming[place : place + 1] = [replace(hit, count=hit.count - 1)] if hit.count > 1 else []
            return hit

    def left(self, account: str) -> list[Fault]:
        """Return what is still to come."""
        with self._lock:
            return list(self._coming.get(account, []))

    def hang(self, account: str, seconds: float) -> None:
        """Return after that time, or as soon as the account's faults are cleared."""
        with self._lock:
            relief = self._relief.setdefault(account, threading.Event())
        relief.wait(seconds)

    def clear(self, account: str) -> None:
        """Forget the account's faults and let its hanging calls go on."""
        with self._lock:
            self._coming.pop(account, None)
            relief = self._relief.pop(account, None)
        if relief is not None:
            relief.set()
