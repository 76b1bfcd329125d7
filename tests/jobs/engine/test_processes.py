"""The real processes, killed, frozen and cut off from Redis: every job still ends, once, within a minute."""

from __future__ import annotations

import itertools
import os
import pickle
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select

from app.kit.desk import Job
from app.kit.jobs.bell import ENTRY
from app.kit.jobs.envelope import Envelope, Sealer
from stack.valkey import Valkey
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house
from tests.jobs.engine.house import Rang
from tests.jobs.engine.processes import Workers, alive, is_stopped, kill, running, threads

pytestmark = pytest.mark.slow

RECOVERY = 60.0
KILLS = 33


def load(runtime: Runtime, tenant: Tenant, name: str) -> int:
    """Commit work of every sort, and return how many effects it must have."""
    with runtime.tenant(tenant) as ctx:
        for kind in ("house.quick", "house.urgent", "house.bulk"):
            ctx.enqueue(kind, {"name": f"{name}:{kind}", "pause": random.random() / 4})
        ctx.enqueue("house.steps", {"name": f"{name}:steps", "count": 4})
        thing = uuid.uuid4()
        for number in range(2):
            ctx.emit(Rang(aggregate_id=thing, note=f"{name}-{number}"))
    return 3 + 4 + 4


def assert_all_ended_once(runtime: Runtime, tenants: list[Tenant], expected: dict[uuid.UUID, int]) -> None:
    """Check that nothing is open, nothing failed, and that every effect happened exactly once."""
    for tenant in tenants:
        effects = house.effects(runtime, tenant)
        assert set(effects.values()) == {1}
        notes = Counter(":".join(metric.split(":")[2:]) for metric in effects if metric.startswith("seen:"))
        assert set(notes.values()) == {1}
        assert len(effects) == expected[tenant.id]
        with runtime.platform() as session:
            states = session.scalars(select(Job.state).where(Job.tenant_id == tenant.id)).all()
        assert set(states) == {"succeeded"}


def all_ended(runtime: Runtime, tenants: list[Tenant]) -> Callable[[], bool]:
    """Return a condition: everything that was emitted was relayed, and everything has ended."""
    return lambda: house.pending_events(runtime) == 0 and house.open_jobs(runtime, *tenants) == 0


def victims(workers: Workers) -> list[Callable[[], list[int]]]:
    """Return who can be killed: those that run jobs, their work-horses, and the relay."""
    return [workers.horses, workers.foremen, lambda: [pid for pid in [workers.relay()] if pid]]


def test_thirty_kills_at_any_point_lose_and_repeat_nothing(
    runtime: Runtime, tenant: Tenant, other: Tenant, process_env: dict[str, str]
) -> None:
    tenants = [tenant, other]
    expected = dict.fromkeys((t.id for t in tenants), 0)
    kills = 0
    with running(process_env) as workers:
        for turn, find in zip(itertools.count(), itertools.cycle(victims(workers)), strict=False):
            if turn % 3 == 0:
                chosen = random.choice(tenants)
                expected[chosen.id] += load(runtime, chosen, f"t{turn}")
            house.pause_for(random.random() / 3)
            kills += sum(kill(pid) for pid in random.sample(found, 1)) if (found := find()) else 0
            if kills >= KILLS:
                break
        started = time.monotonic()
        house.eventually(all_ended(runtime, tenants), within=RECOVERY, what="the end of all jobs")
        print(f"{kills} kills in {turn} turns; recovered after {time.monotonic() - started:.1f} s")
    assert_all_ended_once(runtime, tenants, expected)


def test_losing_all_of_redis_loses_nothing(
    runtime: Runtime, tenant: Tenant, process_env: dict[str, str], redis: Redis, valkey: Valkey
) -> None:
    expected = 0
    with running(process_env) as workers:
        for number in range(12):
            expected += load(runtime, tenant, f"flush{number}")
            redis.flushall()
            house.pause_for(0.05)
        kill(_pid_of(redis))
        valkey.stop()
        for number in range(3):
            expected += load(runtime, tenant, f"down{number}")
        house.pause_for(1.0)
        valkey.start()
        valkey.wait_ready()
        expected += load(runtime, tenant, "back")
        house.eventually(all_ended(runtime, [tenant]), within=RECOVERY, what="the end of all jobs")
        assert workers.stop() == 0
    assert_all_ended_once(runtime, [tenant], {tenant.id: expected})


def test_a_worker_that_slept_past_its_lease_commits_nothing(
    runtime: Runtime, tenant: Tenant, process_env: dict[str, str]
) -> None:
    with running(process_env) as workers:
        with runtime.tenant(tenant) as ctx:
            job_id = ctx.enqueue("house.sleep_through", {"name": "once"})
        asleep = house.eventually(
            lambda: [pid for pid in workers.horses() if is_stopped(pid)], within=10, what="the pause"
        )
        house.eventually(
            lambda: house.job(runtime, tenant.id, job_id).state == "succeeded", within=RECOVERY, what="another worker"
        )
        assert house.effects(runtime, tenant) == {"once": 1}
        kill(asleep[0], signal.SIGCONT)
        house.eventually(lambda: asleep[0] not in workers.horses(), within=10, what="the end of the late one")
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.attempt, row.result) == ("succeeded", 2, {"attempt": 2})
    assert house.effects(runtime, tenant) == {"once": 1}


def test_a_stop_finishes_short_work_and_gives_long_work_back(
    runtime: Runtime, tenant: Tenant, process_env: dict[str, str]
) -> None:
    with running(process_env) as workers:
        with runtime.tenant(tenant) as ctx:
            long = ctx.enqueue("house.bulk", {"name": "long", "pause": 40.0})
        _wait_until_running(runtime, tenant, long)
        # The long one holds one process; only now, so that the other need not be ready before the short one ends.
        with runtime.tenant(tenant) as ctx:
            short = ctx.enqueue("house.urgent", {"name": "short", "pause": 3.0})
        _wait_until_running(runtime, tenant, short)
        assert len(workers.horses()) == 2
        started = time.monotonic()
        assert workers.stop() == 0
        assert time.monotonic() - started < 16
    assert house.job(runtime, tenant.id, short).state == "succeeded"
    row = house.job(runtime, tenant.id, long)
    assert (row.state, row.attempt) == ("queued", 0)
    assert house.effects(runtime, tenant) == {"short": 1}


def test_nothing_is_left_when_the_supervisor_is_killed(runtime: Runtime, process_env: dict[str, str]) -> None:
    with running(process_env) as workers:
        children = workers.children()
        kill(workers.supervisor)
        house.eventually(lambda: not [pid for pid in children if alive(pid)], within=15, what="the end of the children")


def test_rubbish_in_redis_runs_nothing_and_stops_nobody(
    runtime: Runtime,
    tenant: Tenant,
    process_env: dict[str, str],
    redis: Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    trace = tmp_path_factory.mktemp("rubbish") / "was-run"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {trace}",)

    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    with running(process_env) as workers:
        pickled = queue.create_job(ENTRY, timeout=-1)
        pickled.save()
        redis.hset(pickled.key, "data", pickle.dumps((ENTRY, None, (Trap(),), {})))
        queue.push_job_id(pickled.id)
        queue.enqueue_call("os.system", args=[f"touch {trace}"], timeout=-1)
        queue.enqueue_call(ENTRY, kwargs=Sealer("x" * 32).seal(Envelope(tenant.id, uuid.uuid4())), timeout=-1)
        queue.push_job_id("not-there")
        with runtime.tenant(tenant) as ctx:
            ctx.enqueue("house.quick", {"name": "after"})
        house.eventually(lambda: house.open_jobs(runtime, tenant) == 0, within=20, what="the true job")
        assert len(workers.children()) == 3
        # What forks may have no threads: their locks would be copied without them.
        assert [threads(pid) for pid in [workers.supervisor, *workers.foremen()]] == [1, 1, 1]
    assert not trace.exists()
    assert house.effects(runtime, tenant) == {"after": 1}


def _wait_until_running(runtime: Runtime, tenant: Tenant, job_id: uuid.UUID) -> None:
    house.eventually(lambda: house.job(runtime, tenant.id, job_id).state == "running", within=20, what="the start")


def _pid_of(redis: Redis) -> int:
    return int(redis.info("server")["process_id"])
