"""One tenant floods the queue; on a clock that the test moves, the others' jobs wait no longer for it."""

from __future__ import annotations

import heapq
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.kit.desk import Job
from app.kit.ids import new_id
from app.kit.jobs import ledger
from tenants import fairness
from tenants.runtime import Runtime
from tests.world import World

FLOOD = 500
SERVICE = 0.1
# After whatever other tests of this database have done.
START = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Queue:
    """Workers of one queue on a clock of their own; every job takes `SERVICE` seconds."""

    runtime: Runtime
    workers: int
    name: str = field(default_factory=lambda: f"overload-{uuid.uuid4().hex[:8]}")
    epoch: datetime = START
    now: float = 0.0
    dwell: dict[UUID, list[float]] = field(default_factory=dict)
    started: Counter[UUID] = field(default_factory=Counter)
    order: list[UUID] = field(default_factory=list)

    def add(self, tenant_id: UUID, count: int) -> None:
        """Put jobs of a tenant into the ledger now."""
        rows = [
            {
                "tenant_id": tenant_id,
                "id": new_id(),
                "kind": "overload.job",
                "queue": self.name,
                "run_at": self._at(self.now),
                "created_at": self._at(self.now),
            }
            for _ in range(count)
        ]
        with self.runtime.platform() as session:
            session.execute(insert(Job), rows)

    def run(self, arrivals: list[tuple[float, UUID]], *, until: float) -> None:
        """Work until the clock says `until`; `arrivals` says when which tenant brings one job."""
        todo = sorted(arrivals, reverse=True, key=lambda arrival: arrival[0])
        working: list[tuple[float, int, ledger.Claim, float]] = []
        while self.now < until:
            while todo and todo[-1][0] <= self.now:
                self.add(todo.pop()[1], 1)
            while len(working) < self.workers and (taken := self._take()):
                heapq.heappush(working, (self.now + SERVICE, len(self.order), *taken))
            ends = working[0][0] if working else until
            self.now = min(ends, todo[-1][0] if todo else until, until)
            while working and working[0][0] <= self.now:
                self._end(*heapq.heappop(working)[2:])

    def p95(self, tenant_id: UUID) -> float:
        """Return what 95 of 100 jobs of the tenant took from arrival to end, at the most."""
        took = sorted(self.dwell[tenant_id])
        return took[int(len(took) * 0.95)]

    def _take(self) -> tuple[ledger.Claim, float] | None:
        now = self._at(self.now)
        with self.runtime.platform() as session:
            for candidate in fairness.next_jobs(session, self.runtime.resolver, self.name, now=now):
                ids = {"tenant_id": candidate.tenant_id, "job_id": candidate.job_id}
                claim = ledger.claim(session, **ids, worker="w", now=now)
                if claim is not None:
                    row = session.get(Job, (candidate.tenant_id, candidate.job_id))
                    assert row is not None
                    self.started[claim.tenant_id] += 1
                    self.order.append(claim.tenant_id)
                    return claim, (row.created_at - self.epoch).total_seconds()
        return None

    def _end(self, claim: ledger.Claim, arrived: float) -> None:
        with self.runtime.platform() as session:
            ledger.finish(session, claim, None, now=self._at(self.now))
        self.dwell.setdefault(claim.tenant_id, []).append(self.now - arrived)

    def _at(self, seconds: float) -> datetime:
        return self.epoch + timedelta(seconds=seconds)


def quiet_arrivals(tenant_id: UUID, *, until: float) -> list[tuple[float, UUID]]:
    """Return a job every 0.7 seconds."""
    return [(0.35 + 0.7 * number, tenant_id) for number in range(int(until / 0.7))]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_flood_of_jobs_keeps_nobody_else_waiting(world: World, worker_runtime: Runtime, workers: int) -> None:
    noisy, quiet = (world.tenant(name).tenant.id for name in ("noisy", "quiet"))
    alone = Queue(worker_runtime, workers)
    alone.run(quiet_arrivals(quiet, until=15), until=16)
    # On another day: what ended a moment ago counts.
    flooded = Queue(worker_runtime, workers, epoch=START + timedelta(days=1))
    flooded.add(noisy, FLOOD)
    flooded.run(quiet_arrivals(quiet, until=15), until=16)
    assert len(flooded.dwell[quiet]) == len(alone.dwell[quiet])
    assert flooded.p95(quiet) <= min(2 * alone.p95(quiet), 2.0) + 1e-6
    # Nobody else had anything to do most of the time: the flood had what was left, up to its cap.
    assert flooded.started[noisy] >= 100


@pytest.mark.parametrize("workers", [1, 8])
def test_tenants_with_much_to_do_share_by_weight(world: World, worker_runtime: Runtime, workers: int) -> None:
    basic, enterprise = world.tenant("small").tenant, world.tenant("large", tier="enterprise").tenant
    queue = Queue(worker_runtime, workers)
    for tenant in (basic, enterprise):
        queue.add(tenant.id, FLOOD // 2)
    queue.run([], until=3.0 if workers > 1 else 20.0)
    share = queue.started[enterprise.id] / queue.started[basic.id]
    wanted = enterprise.tier.weight / basic.tier.weight
    assert wanted * 0.6 <= share <= wanted * 1.4


def test_no_tenant_has_more_at_work_than_its_cap(world: World, worker_runtime: Runtime) -> None:
    tenant = world.tenant("capped").tenant
    queue = Queue(worker_runtime, workers=8)
    queue.add(tenant.id, 50)
    queue.run([], until=SERVICE)
    assert queue.started[tenant.id] == tenant.tier.concurrent_jobs


def test_tenants_of_equal_weight_take_turns(world: World, worker_runtime: Runtime) -> None:
    tenants = [world.tenant(f"turn{number}").tenant.id for number in range(5)]
    queue = Queue(worker_runtime, workers=1)
    for tenant_id in tenants:
        queue.add(tenant_id, 20)
    queue.run([], until=SERVICE * 49.5)
    assert set(queue.started.values()) == {10}
