"""One worker, many tenants: every job sees the tenant of its row in the ledger, and nothing of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.kit.clock import utcnow
from app.kit.desk import Job
from app.kit.events import Event
from app.kit.jobs.queueing import enqueue
from app.kit.jobs.registry import QUEUES, JobRegistry, JobSpec
from tenants.relay import Relay
from tenants.runner import Runner
from tests.isolation.matrix import Matrix

KIND = "isolation.look"
LABELS = ("A", "C", "B", "A", "D", "B", "C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked(Event):
    """An event that nobody else listens to."""

    TYPE: ClassVar[str] = "isolation.looked.v1"


@dataclass
class Seen:
    """What one job saw: for whom it was meant, whose context it got, and whose rows were there."""

    meant: str
    tenant: UUID
    rows: set[UUID]


@pytest.fixture
def looks(matrix: Matrix) -> Iterator[tuple[Callable[..., None], list[Seen]]]:
    """Return a function that enqueues a look for a tenant and lets one worker run it, and what was seen."""
    seen: list[Seen] = []

    def look(ctx: Any, work: Any, *, meant: str, **named: Any) -> None:
        found = ctx.db.connection().exec_driver_sql("SELECT tenant_id FROM product").scalars()
        seen.append(Seen(meant, ctx.tenant.id, set(found)))

    spec = JobSpec(KIND, look)
    runtime = replace(matrix.street.world.worker_runtime, jobs=JobRegistry([spec]))
    matrix.street.world.drain()
    runner = Runner(runtime)

    def run(labels: tuple[str, ...], **named: Any) -> None:
        for label in labels:
            with runtime.platform() as session:
                tenant_id = matrix.street[label].tenant.id
                enqueue(session, spec, {"meant": label, **named}, tenant_id=tenant_id, now=utcnow())
        while sum(runner.work_shift(queue) for queue in QUEUES):
            pass

    yield run, seen
    matrix.street.world.drain()


def _is_right(matrix: Matrix, seen: list[Seen], count: int) -> None:
    assert len(seen) == count
    for one in seen:
        meant = matrix.street[one.meant].tenant.id
        assert (one.tenant, one.rows) == (meant, {meant})


def test_a_worker_keeps_nothing_of_the_tenant_before(matrix: Matrix, looks: Any) -> None:
    run, seen = looks
    run(LABELS)
    _is_right(matrix, seen, len(LABELS))


@pytest.mark.parametrize("name", ["tenant_id", "tenant", "schema", "database"])
def test_what_a_jobs_arguments_name_chooses_no_tenant(matrix: Matrix, looks: Any, name: str) -> None:
    run, seen = looks
    other = matrix.street["B"].tenant
    run(("A", "C"), **{name: {"schema": other.schema, "database": "main"}.get(name, str(other.id))})
    _is_right(matrix, seen, 2)


def test_events_of_one_batch_go_to_the_tenants_that_they_are_of(matrix: Matrix) -> None:
    world, emitted = matrix.street.world, {}
    world.drain()
    for label in LABELS:
        with matrix.street[label].acting() as ctx:
            emitted[ctx.emit(Looked(aggregate_id=uuid4()))] = ctx.tenant.id
    spec = JobSpec(KIND, lambda ctx, work, **named: None)
    runtime = replace(world.worker_runtime, handlers={Looked.TYPE: [KIND]}, jobs=JobRegistry([spec]))
    Relay(runtime).drain()
    with runtime.platform() as session:
        for event_id, tenant_id in emitted.items():
            owners = session.scalars(select(Job.tenant_id).where(Job.dedupe_key == f"event:{event_id}:{KIND}")).all()
            assert owners == [tenant_id]
    while Runner(runtime).work_shift(spec.queue):
        pass
