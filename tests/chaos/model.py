"""What the installation has promised: every write that was answered with success, and what may never be seen."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

BAD = 500
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Promise:
    """One write that the client sent under one key until it was acknowledged."""

    kind: str
    key: str
    id: str = ""


@dataclass
class Model:
    """The promises made to one tenant, shared by its clients."""

    canary: str
    acknowledged: dict[str, Promise] = field(default_factory=dict)
    # Sent, and perhaps done: no answer came before the end.
    unknown: set[str] = field(default_factory=set)
    # Units of the one product that all orders take from.
    taken: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Answered:
    """One answer, or none, as a client saw it; seconds on the monotonic clock."""

    at: float
    took: float
    status: int
    what: str


@dataclass
class Record:
    """Everything that all clients saw."""

    seen: list[Answered] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answered: Answered) -> None:
        """Keep one answer; status 0 stands for a connection that ended without one."""
        with self._lock:
            self.seen.append(answered)

    def accuse(self, sentence: str) -> None:
        """Keep something that must never happen."""
        with self._lock:
            self.wrong.append(sentence)

    def since(self, at: float) -> list[Answered]:
        """Return what was seen of requests that began after `at`."""
        with self._lock:
            return [a for a in self.seen if a.at >= at]

    def first_success_after(self, at: float) -> float | None:
        """Return how long after `at` the first success ended, of a request that began after it."""
        ends = [a.at + a.took - at for a in self.since(at) if 200 <= a.status < 300]
        return min(ends, default=None)

    def statuses(self, since: float = 0.0) -> Counter[int]:
        """Count the answers by status."""
        return Counter(a.status for a in self.since(since))

    def defects(self) -> list[str]:
        """Return what broke a rule: accusations, and failures that are not 503."""
        bad = [f"{a.status} for {a.what}" for a in self.since(0.0) if a.status >= BAD and a.status != UNAVAILABLE]
        return [*self.wrong, *bad]


def now() -> float:
    """Return the clock of all records."""
    return time.monotonic()
