"""Events on their way from the outbox to their handlers."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select, update

from app.kit.clock import utcnow
from app.kit.desk import Job, Outbox
from tenants.context import SYSTEM, Ctx
from tenants.relay import Relay
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house
from tests.jobs.engine.house import Rang


def emit(runtime: Runtime, tenant: Tenant, aggregate: uuid.UUID, *notes: str) -> None:
    """Commit one event for each note, in a transaction each."""
    for note in notes:
        with runtime.tenant(tenant, request_id="req-9") as ctx:
            ctx.emit(Rang(aggregate_id=aggregate, note=note))


def relay_all(runtime: Runtime) -> int:
    """Relay everything that is committed."""
    relay = Relay(runtime)
    total = 0
    while relayed := relay.drain():
        total += relayed
    return total


def seen(runtime: Runtime, tenant: Tenant) -> list[tuple[str, str]]:
    """Return aggregate and note of the handled events, in the order in which they were handled."""
    return [tuple(metric.split(":")[2:]) for metric in house.effects(runtime, tenant, "seen:")]  # type: ignore[misc]


def finish(runtime: Runtime, tenant: Tenant, work: Callable[[], int]) -> None:
    """Run jobs, the repeated ones too, until none is open."""
    house.eventually(lambda: work() >= 0 and house.open_jobs(runtime, tenant) == 0, within=15, what="the end")


def test_each_handler_gets_each_event_once(runtime: Runtime, tenant: Tenant, work: Callable[[], int]) -> None:
    aggregate = uuid.uuid4()
    emit(runtime, tenant, aggregate, "a")
    assert relay_all(runtime) == 1
    assert relay_all(runtime) == 0
    finish(runtime, tenant, work)
    assert seen(runtime, tenant) == [(str(aggregate), "a")]
    assert house.effects(runtime, tenant, "poisoned:") == {f"poisoned:{aggregate}:a": 1}


def test_a_job_of_a_handler_carries_request_and_order(runtime: Runtime, tenant: Tenant) -> None:
    aggregate = uuid.uuid4()
    emit(runtime, tenant, aggregate, "a")
    relay_all(runtime)
    with runtime.platform() as session:
        jobs = session.scalars(select(Job).where(Job.tenant_id == tenant.id).order_by(Job.seq)).all()
    assert [job.ordering_key for job in jobs] == [f"{job.kind}:{aggregate}" for job in jobs]
    assert {job.request_id for job in jobs} == {"req-9"}


def test_an_event_that_is_handed_out_again_has_its_effect_once(
    runtime: Runtime, tenant: Tenant, work: Callable[[], int]
) -> None:
    aggregates = [uuid.uuid4() for _ in range(5)]
    for aggregate in aggregates:
        emit(runtime, tenant, aggregate, "a", "b")
    for _ in range(5):
        relay_all(runtime)
        finish(runtime, tenant, work)
        with runtime.platform() as session:
            again = update(Outbox).where(Outbox.tenant_id == tenant.id).values(relayed_at=None)
            session.execute(again, execution_options={"synchronize_session": False})
    effects = house.effects(runtime, tenant)
    assert len(effects) == 20
    assert set(effects.values()) == {1}


def test_events_that_commit_in_reverse_order_all_arrive(
    runtime: Runtime, tenant: Tenant, work: Callable[[], int]
) -> None:
    early = runtime.tenant_session(tenant)
    ctx = Ctx(tenant, SYSTEM, early, utcnow(), "", runtime)
    first = uuid.uuid4()
    ctx.emit(Rang(aggregate_id=first, note="early"))
    emit(runtime, tenant, uuid.uuid4(), "late")
    assert relay_all(runtime) == 1
    early.commit()
    early.close()
    assert relay_all(runtime) == 1
    finish(runtime, tenant, work)
    assert sorted(note for _, note in seen(runtime, tenant)) == ["early", "late"]


def test_many_writers_and_two_relays_lose_nothing(runtime: Runtime, tenant: Tenant, work: Callable[[], int]) -> None:
    stop = threading.Event()

    def relay() -> None:
        mine = Relay(runtime)
        while not stop.is_set() or mine.drain():
            mine.drain()
            stop.wait(0.01)

    relays = [threading.Thread(target=relay) for _ in range(2)]
    for thread in relays:
        thread.start()

    def write(number: int) -> None:
        with runtime.tenant(tenant) as ctx:
            ctx.emit(Rang(aggregate_id=uuid.uuid4(), note=str(number)))
            house.pause_for(random.random() / 20)  # the numbers commit in another order than they were taken

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, range(60)))
    stop.set()
    for thread in relays:
        thread.join()
    with runtime.platform() as session:
        left = select(func.count()).where(Outbox.tenant_id == tenant.id, Outbox.relayed_at.is_(None))
        assert session.execute(left).scalar_one() == 0
        made = select(func.count()).where(Job.tenant_id == tenant.id, Job.kind == "house.on_rang")
        assert session.execute(made).scalar_one() == 60


def test_the_events_of_one_thing_are_handled_in_their_order(
    runtime: Runtime, tenant: Tenant, work: Callable[[], int]
) -> None:
    things = [uuid.uuid4() for _ in range(3)]
    for number in range(8):
        for thing in things:
            emit(runtime, tenant, thing, f"{number}")
    relay_all(runtime)
    finish(runtime, tenant, work)
    handled = seen(runtime, tenant)
    for thing in things:
        assert [note for aggregate, note in handled if aggregate == str(thing)] == [str(n) for n in range(8)]


def test_a_poison_event_is_parked_and_blocks_nothing(
    runtime: Runtime, tenant: Tenant, other: Tenant, work: Callable[[], int]
) -> None:
    sick, well = uuid.uuid4(), uuid.uuid4()
    emit(runtime, tenant, sick, "poison", "after")
    emit(runtime, tenant, well, "healthy")
    emit(runtime, other, well, "elsewhere")
    relay_all(runtime)
    work()
    assert f"poisoned:{well}:healthy" in house.effects(runtime, tenant)
    assert f"poisoned:{well}:elsewhere" in house.effects(runtime, other)
    finish(runtime, tenant, work)
    with runtime.platform() as session:
        parked = select(Job).where(Job.tenant_id == tenant.id, Job.state == "failed")
        jobs = session.scalars(parked).all()
    assert [(job.kind, job.attempt) for job in jobs] == [("house.on_rang_poison", 2)]
    assert f"poisoned:{sick}:after" in house.effects(runtime, tenant)
