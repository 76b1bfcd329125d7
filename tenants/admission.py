"""Who may work now: so many requests at once, so many of one tenant, and under pressure the important ones first.

A process has more threads than requests that it works on, so that who waits does so here, where the wait is known: by
class, then by how much of the process the tenant holds already, then in order. A tenant that fills its share waits for
itself alone; once too many of its requests wait, more are refused at once. In a full queue who matters more takes
the place of who matters less. Shedding is driven by how long requests
wait for the process, never by how busy the machine is: a busy machine that answers in time needs no help.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from app.kit.errors import TooManyRequests, Unavailable

# Requests of one tenant that may wait in one process.
QUEUE_EACH = 16
# What the last admitted request waited stands for the present for so long (seconds).
FRESH = 0.5


class Urgency(IntEnum):
    """How much an answer matters when not everybody can have one."""

    CRITICAL = 0
    NORMAL = 1
    SHEDDABLE = 2


# For each class: how long one may wait, and at what wait of the others one is turned away at the door (seconds).
# An answer that comes after a second is of little use: with the work itself nearly all of the admitted stay below it.
PATIENCE = {Urgency.CRITICAL: 2.0, Urgency.NORMAL: 0.6, Urgency.SHEDDABLE: 0.25}
CLOSED_AT = {Urgency.CRITICAL: float("inf"), Urgency.NORMAL: 0.5, Urgency.SHEDDABLE: 0.1}
RETRY_AFTER = {Urgency.CRITICAL: "1", Urgency.NORMAL: "1", Urgency.SHEDDABLE: "5"}


class Crowded(TooManyRequests):
    """The tenant has as many requests at work and waiting as it may."""

    code, title = "concurrency.exceeded", "Too many requests at once"


class Overloaded(Unavailable):
    """More work than this process can do in time; who matters less is sent away first."""

    code, title = "overloaded", "Back in a moment"


@dataclass(eq=False, slots=True)
class _Ticket:
    tenant_id: UUID | None
    share: int
    urgency: Urgency
    since: float
    called: threading.Event = field(default_factory=threading.Event)
    admitted: bool = False


class Gate:
    """Admits requests of one process."""

    def __init__(self, permits: int, *, queue: int = 24, clock: Callable[[], float] = time.monotonic) -> None:
        self._permits = permits
        self._queue = queue
        self._clock = clock
        self._lock = threading.Lock()
        self._busy = 0
        self._active: Counter[UUID | None] = Counter()
        self._waiting: dict[Urgency, deque[_Ticket]] = {urgency: deque() for urgency in Urgency}
        self._queued: Counter[UUID | None] = Counter()
        self._last_wait = (0.0, 0.0)

    @contextmanager
    def admitted(self, tenant_id: UUID | None, share: int, urgency: Urgency) -> Iterator[float]:
        """Work while the block runs, as one of at most `share` requests of the tenant; gives the seconds waited.

        Raises Crowded, Overloaded.
        """
        waited = self.enter(tenant_id, share, urgency)
        try:
            yield waited
        finally:
            self.leave(tenant_id)

    def enter(self, tenant_id: UUID | None, share: int, urgency: Urgency) -> float:
        """Begin to work, after a wait if need be, and return the seconds waited.

        Raises Crowded, Overloaded.
        """
        with self._lock:
            if self._busy < self._permits and self._active[tenant_id] < share and not self._queued[tenant_id]:
                self._busy += 1
                self._active[tenant_id] += 1
                return 0.0
            ticket = self._queue_up(_Ticket(tenant_id, share, urgency, self._clock()))
        ticket.called.wait(PATIENCE[urgency])
        with self._lock:
            if ticket.admitted:
                return self._clock() - ticket.since
            if not ticket.called.is_set():
                self._withdraw(ticket)
            raise self._refusal(ticket)

    def leave(self, tenant_id: UUID | None) -> None:
        """End the work, and call the next."""
        with self._lock:
            self._busy -= 1
            self._forget(self._active, tenant_id)
            ticket = self._next()
            if ticket is not None:
                self._admit(ticket)

    def pressure(self) -> float:
        """Return for how many seconds requests wait for this process now; waits for an own share do not count."""
        with self._lock:
            return self._pressure(self._clock())

    def _pressure(self, now: float) -> float:
        if self._busy < self._permits:
            return 0.0
        at, wait = self._last_wait
        oldest = [q[0].since for q in self._waiting.values() if q and self._active[q[0].tenant_id] < q[0].share]
        return max([now - since for since in oldest], default=wait if now - at < FRESH else 0.0)

    def _queue_up(self, ticket: _Ticket) -> _Ticket:
        crowded = self._queued[ticket.tenant_id] >= QUEUE_EACH
        full = crowded or sum(self._queued.values()) >= self._queue
        closed = self._pressure(ticket.since) > CLOSED_AT[ticket.urgency]
        if closed or (full and not self._displace(ticket, among_its_own=crowded)):
            raise self._refusal(ticket, crowded=crowded)
        self._waiting[ticket.urgency].append(ticket)
        self._queued[ticket.tenant_id] += 1
        return ticket

    def _displace(self, ticket: _Ticket, *, among_its_own: bool) -> bool:
        """Send the last of those away who matter least, if they matter less than `ticket`; say whether that was so."""
        waiting = (t for queue in self._waiting.values() for t in queue)
        mine = [t for t in waiting if t.tenant_id == ticket.tenant_id or not among_its_own]
        last = max(mine, key=lambda t: (t.urgency, t.since), default=ticket)
        if last.urgency <= ticket.urgency:
            return False
        self._withdraw(last)
        last.called.set()
        return True

    def _withdraw(self, ticket: _Ticket) -> None:
        self._waiting[ticket.urgency].remove(ticket)
        self._forget(self._queued, ticket.tenant_id)

    def _refusal(self, ticket: _Ticket, *, crowded: bool = False) -> TooManyRequests | Unavailable:
        headers = {"Retry-After": RETRY_AFTER[ticket.urgency]}
        if crowded or self._active[ticket.tenant_id] >= ticket.share:
            limit = {"metric": "requests at once", "limit": ticket.share}
            detail = "Many requests of this workspace are at work. Send the next when one has been answered."
            return Crowded(detail, headers=headers, limit=limit)
        return Overloaded("More is asked of us right now than we can do. Try again in a moment.", headers=headers)

    def _next(self) -> _Ticket | None:
        """Return who is called: by class, then who has the smallest part of its share at work, then who came first."""
        for queue in self._waiting.values():
            free = [t for t in queue if self._active[t.tenant_id] < t.share]
            if free:
                return min(free, key=lambda t: (self._active[t.tenant_id] / t.share, t.since))
        return None

    def _admit(self, ticket: _Ticket) -> None:
        self._withdraw(ticket)
        self._busy += 1
        self._active[ticket.tenant_id] += 1
        now = self._clock()
        self._last_wait = (now, now - ticket.since)
        ticket.admitted = True
        ticket.called.set()

    @staticmethod
    def _forget(counts: Counter[UUID | None], tenant_id: UUID | None) -> None:
        counts[tenant_id] -= 1
        if counts[tenant_id] <= 0:
            del counts[tenant_id]
