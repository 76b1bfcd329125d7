"""The gate of a process: shares of tenants, order of classes, and who is turned away how fast."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from uuid import UUID

import pytest

from tenants.access import access_of, public
from tenants.admission import QUEUE_EACH, Crowded, Gate, Overloaded, Urgency

ACME, GLOBEX, INITECH = (uuid.UUID(int=number) for number in (1, 2, 3))
# What a refusal at the door may take (seconds).
AT_ONCE = 0.01


class Crowd:
    """Requests in threads of their own, each of which works until it is told to end."""

    def __init__(self, gate: Gate, pool: ThreadPoolExecutor) -> None:
        self._gate = gate
        self._pool = pool
        self.order: list[str] = []

    def send(
        self, tenant: UUID | None, urgency: Urgency = Urgency.NORMAL, *, share: int = 4, name: str = ""
    ) -> tuple[Future[float], threading.Event]:
        """Send one request and return its future and the event that ends it."""
        end = threading.Event()

        def work() -> float:
            with self._gate.admitted(tenant, share, urgency) as waited:
                self.order.append(name)
                assert end.wait(10)
                return waited

        return self._pool.submit(work), end


@contextmanager
def crowd(permits: int) -> Iterator[tuple[Gate, Crowd]]:
    """Return a gate and a crowd before it."""
    gate = Gate(permits)
    with ThreadPoolExecutor(64) as pool:
        yield gate, Crowd(gate, pool)


def until(happened: Callable[[], bool]) -> None:
    """Wait until something happened in another thread."""
    ends = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.002)


def queued(gate: Gate) -> int:
    """Return how many requests wait."""
    return sum(len(queue) for queue in gate._waiting.values())


def test_a_tenant_at_its_share_waits_while_others_pass() -> None:
    with crowd(8) as (gate, people):
        mine = [people.send(ACME, share=4) for _ in range(5)]
        until(lambda: queued(gate) == 1)
        other, end = people.send(GLOBEX)
        end.set()
        assert other.result(5) == 0.0
        assert gate.pressure() == 0.0
        for _, each in mine:
            each.set()
        assert sorted(future.result(5) > 0 for future, _ in mine) == [False] * 4 + [True]


def test_beyond_a_tenants_queue_the_answer_is_429_at_once() -> None:
    with crowd(8) as (gate, people):
        sent = [people.send(ACME, share=4) for _ in range(4 + QUEUE_EACH)]
        until(lambda: queued(gate) == QUEUE_EACH)
        began = time.perf_counter()
        with pytest.raises(Crowded) as caught:
            gate.enter(ACME, 4, Urgency.NORMAL)
        assert time.perf_counter() - began < AT_ONCE
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
        for _, end in sent:
            end.set()


def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    with crowd(1) as (gate, people):
        first, end = people.send(ACME)
        until(lambda: gate._busy == 1)
        with pytest.raises(Overloaded) as caught:
            gate.enter(GLOBEX, 4, Urgency.SHEDDABLE)
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "5")
        end.set()
        first.result(5)
        assert gate.enter(GLOBEX, 4, Urgency.NORMAL) == 0.0
        gate.leave(GLOBEX)
        assert (gate._busy, dict(gate._active), dict(gate._queued)) == (0, {}, {})


def test_the_critical_go_first_and_the_least_served_tenant_next() -> None:
    with crowd(2) as (gate, people):
        working = [people.send(ACME, name="a1"), people.send(ACME, name="a2")]
        until(lambda: gate._busy == 2)
        waiting = []
        for tenant, urgency, name in (
            (ACME, Urgency.NORMAL, "acme"),
            (GLOBEX, Urgency.NORMAL, "globex"),
            (INITECH, Urgency.SHEDDABLE, "export"),
            (ACME, Urgency.CRITICAL, "sign-in"),
        ):
            waiting.append(people.send(tenant, urgency, name=name))
            until(lambda: queued(gate) == len(waiting))
        working[0][1].set()
        until(lambda: len(people.order) == 3)
        working[1][1].set()
        until(lambda: len(people.order) == 4)
        assert people.order[2:] == ["sign-in", "globex"]
        for _, end in waiting:
            end.set()


def test_in_a_full_queue_who_matters_more_takes_the_place_of_the_last_who_matters_less() -> None:
    gate = Gate(1, queue=2)
    with ThreadPoolExecutor(8) as pool:
        people = Crowd(gate, pool)
        _, end = people.send(ACME)
        until(lambda: gate._busy == 1)
        first = people.send(GLOBEX, Urgency.NORMAL, name="first")
        until(lambda: queued(gate) == 1)
        last, _ = people.send(INITECH, Urgency.SHEDDABLE, name="last")
        until(lambda: queued(gate) == 2)
        critical = people.send(INITECH, Urgency.CRITICAL, name="sign-in")
        with pytest.raises(Overloaded) as caught:
            last.result(5)
        assert caught.value.headers["Retry-After"] == "5"
        until(lambda: queued(gate) == 2)
        # Nobody makes room for an equal.
        with pytest.raises(Overloaded):
            gate.enter(ACME, 4, Urgency.NORMAL)
        for event in (end, critical[1], first[1]):
            event.set()
        assert critical[0].result(5) > 0
        assert first[0].result(5) > 0
        assert people.order[1:] == ["sign-in", "first"]
    assert (gate._busy, dict(gate._active), dict(gate._queued), queued(gate)) == (0, {}, {}, 0)


def test_a_tenant_that_fills_its_own_queue_can_still_sign_in() -> None:
    with crowd(8) as (gate, people):
        sent = [people.send(ACME, share=4, name=str(number)) for number in range(4 + QUEUE_EACH)]
        until(lambda: queued(gate) == QUEUE_EACH)
        critical, end = people.send(ACME, Urgency.CRITICAL, share=4, name="sign-in")
        with pytest.raises(Crowded):
            next(future for future in as_completed([future for future, _ in sent], 5)).result()
        for event in (end, *(event for _, event in sent)):
            event.set()
        assert critical.result(5) > 0


def test_under_pressure_the_sheddable_are_turned_away_at_the_door() -> None:
    with crowd(1) as (gate, people):
        working = people.send(ACME)
        until(lambda: gate._busy == 1)
        waiting = people.send(GLOBEX, Urgency.CRITICAL)
        until(lambda: gate.pressure() > 0.1)
        began = time.perf_counter()
        with pytest.raises(Overloaded):
            gate.enter(INITECH, 4, Urgency.SHEDDABLE)
        assert time.perf_counter() - began < AT_ONCE
        until(lambda: gate.pressure() > 0.5)
        with pytest.raises(Overloaded):
            gate.enter(INITECH, 4, Urgency.NORMAL)
        critical = people.send(INITECH, Urgency.CRITICAL)
        working[1].set()
        waiting[1].set()
        critical[1].set()
        assert critical[0].result(5) > 0


def test_nobody_is_lost_or_counted_twice_in_a_crush() -> None:
    gate = Gate(4)
    tenants = [uuid.UUID(int=number) for number in range(1, 6)]
    most: list[int] = []

    def ask(number: int) -> bool:
        try:
            with gate.admitted(tenants[number % 5], 2, Urgency(number % 3)):
                most.append(gate._busy)
                time.sleep(0.001)
        except (Crowded, Overloaded):
            return False
        return True

    with ThreadPoolExecutor(24) as pool:
        passed = sum(pool.map(ask, range(2000)))
    assert passed > 1000
    assert max(most) <= 4
    assert (gate._busy, dict(gate._active), dict(gate._queued), queued(gate)) == (0, {}, {}, 0)


def test_passing_an_open_gate_costs_microseconds() -> None:
    gate = Gate(8)
    began = time.perf_counter()
    for _ in range(10_000):
        gate.enter(ACME, 4, Urgency.NORMAL)
        gate.leave(ACME)
    assert (time.perf_counter() - began) / 10_000 < 50e-6


def test_a_route_says_how_urgent_it_is() -> None:
    assert access_of(public("health", urgency=None)(lambda: "")).urgency is None  # type: ignore[union-attr]
    assert access_of(public("pages")(lambda: "")).urgency is Urgency.NORMAL  # type: ignore[union-attr]
