"""Runs a program twice, with and without one tenant's steps, and compares what the other tenant could observe."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import psycopg

from app.accounts.actors import CACHE
from tests.isolation import street as streets
from tests.isolation.neighbours import Neighbour
from tests.isolation.observing import Observer
from tests.isolation.programs import ACTIONS, HOSTILE, MACHINE, OBSERVED, OTHER, WORKERS, Side, Step
from tests.isolation.snapshot import Snapshot
from tests.isolation.street import Street
from tests.isolation.traces import Traces
from tests.isolation.troubles import TROUBLES

# A step of the test's own, which gets both sides and a superuser's connection.
Planted = Callable[[Side, Side, psycopg.Connection[Any]], None]
# So many steps are tried without when a difference was found.
_SHRINKING = 30
_COME_BACK = 503


@dataclass
class Observation:
    """What the observed tenant saw, step by step, and had in the end: rows, mails, objects, keys in Redis."""

    trace: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def difference(self, other: Observation) -> str:
        """Say where two observations part, or "" where they do not."""
        for number, (one, two) in enumerate(zip(self.trace, other.trace, strict=True)):
            if one != two:
                return f"step {number} of the observed tenant:\n  with:    {one}\n  without: {two}"
        more, less = self.rows - other.rows, other.rows - self.rows
        if more or less:
            return f"what is there:\n  with:    {sorted(more)[:3]}\n  without: {sorted(less)[:3]}"
        return ""


class Pair:
    """Two tenants of a street: one whose steps come and go, and one that must not notice."""

    def __init__(self, street: Street, labels: tuple[str, str], planted: Mapping[str, Planted] | None = None) -> None:
        self.labels = labels
        self.steps = self.refused = self.troubles = 0
        self._street = street
        self._other, self._observed = street[labels[0]], street[labels[1]]
        self._planted = planted or {}
        self._above = streets.superuser(street)
        homes = (self._other, self._observed)
        self._knock(*homes)
        self._snapshot = Snapshot(
            self._above, [str(h.tenant.schema) for h in homes], [home.tenant.id for home in homes]
        )
        self._traces = Traces(street, self._observed.tenant)

    def close(self) -> None:
        """Put everything back and close the view from above."""
        self._begin_anew()
        self._above.close()

    def difference(self, program: Sequence[Step]) -> str:
        """Run `program` with and without the other's steps; say where the observations part, or ""."""
        alone = [step for step in program if step.whose != OTHER]
        return self._observe(program).difference(self._observe(alone))

    def shrunk(self, program: Sequence[Step]) -> Sequence[Step]:
        """Leave out steps for as long as the two runs still differ."""
        found, tries = list(program), 0
        for step in program:
            rest = [one for one in found if one is not step]
            if step.kind == "drain" or tries >= _SHRINKING:
                continue
            tries += 1
            if self.difference(rest):
                found = rest
        return found

    def _begin_anew(self) -> None:
        self._snapshot.restore()
        self._traces.begin_anew()
        # Who may do what is remembered for seconds, and the restored rows say it anew.
        CACHE.drop(lambda actor: True)

    def _knock(self, *homes: Neighbour) -> None:
        """Use every key once: the first use of one is remembered in its row and in the process."""
        client = self._street.app.test_client(use_cookies=False)
        for home in homes:
            for role in ("owner", "viewer"):
                answer = Side(home, client).call("GET", "/users/me", role=role)
                assert answer.status_code == 200, answer.text

    def _observe(self, program: Sequence[Step]) -> Observation:
        self._begin_anew()
        client = self._street.app.test_client(use_cookies=False)
        sides = {OTHER: Side(self._other, client), OBSERVED: Side(self._observed, client)}
        observer, seen = Observer(), Observation()
        for step in program:
            answer = self._take(step, sides)
            if step.whose == OBSERVED:
                seen.trace.append(f"{step.kind} {observer.answer(answer)}")
        seen.rows = observer.rows(chain(self._snapshot.rows(self._observed.tenant.id), self._traces.rows()))
        return seen

    def _take(self, step: Step, sides: Mapping[str, Side]) -> Any:
        self.steps += 1
        if step.whose == WORKERS:
            return self._street.world.drain()
        if step.whose == MACHINE:
            self.troubles += 1
            return TROUBLES[step.kind](self._street, self._above, self._observed.tenant.id)
        side, observed = sides[step.whose], sides[OBSERVED]
        if step.kind in self._planted:
            return self._planted[step.kind](side, observed, self._above)
        answer = _act(step, side, observed)
        # After a trouble somebody is asked to come back, as every client does; who that is depends on who is there.
        answer = _act(step, side, observed) if answer.status_code == _COME_BACK else answer
        self.refused += step.kind in HOSTILE and answer.status_code >= 400
        return answer


def _act(step: Step, side: Side, observed: Side) -> Any:
    rng = random.Random(step.seed)
    if step.kind in HOSTILE:
        return HOSTILE[step.kind](side, observed, rng)
    return ACTIONS[step.kind][1](side, rng)
