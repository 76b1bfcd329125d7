"""Jobs that want too much memory, never end or leave processes behind: ended and marked, and the worker goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house
from tests.jobs.engine.processes import ROOT, Workers, alive, running

MEMORY_MB = "384"
# A lease, the grace of a job that hears nothing, and a busy machine (seconds).
LOST = 60.0


@pytest.fixture(scope="module")
def workers(process_env: dict[str, str]) -> Iterator[Workers]:
    """Return one process that runs jobs, with little memory for each."""
    with running({**process_env, "JOB_MEMORY_MB": MEMORY_MB}, workers=1) as found:
        # Known by its threads, which it has only when it is at work.
        house.eventually(found.relay, within=20, what="the start of the relay")
        yield found


def ended(runtime: Runtime, tenant: Tenant, kind: str, *, within: float = 10.0, **args: object) -> tuple[UUID, str]:
    """Have a job done and return its id and how it ended."""
    with runtime.tenant(tenant) as ctx:
        job_id = ctx.enqueue(kind, args)
    house.eventually(lambda: not house.open_jobs(runtime, tenant), within=within, what=f"the end of {kind}")
    return job_id, house.job(runtime, tenant.id, job_id).state


def test_a_job_that_wants_too_much_memory_is_parked_and_says_so(
    runtime: Runtime, tenant: Tenant, workers: Workers
) -> None:
    foremen = workers.foremen()
    job_id, state = ended(runtime, tenant, "house.hoard", name="much")
    row = house.job(runtime, tenant.id, job_id)
    assert (state, row.attempt, row.error["code"]) == ("failed", 3, "job.memory")
    assert house.effects(runtime, tenant) == {}
    assert ended(runtime, tenant, "house.quick", name="next")[1] == "succeeded"
    assert workers.foremen() == foremen


def test_a_job_that_needs_less_at_its_second_attempt_finds_the_memory_of_the_first_free(
    runtime: Runtime, tenant: Tenant, workers: Workers
) -> None:
    job_id, state = ended(runtime, tenant, "house.hoard", name="once", until=1)
    assert (state, house.job(runtime, tenant.id, job_id).result) == ("succeeded", {"attempt": 2})
    assert house.effects(runtime, tenant) == {"once": 1}


def test_what_a_job_started_ends_with_it(runtime: Runtime, tenant: Tenant, workers: Workers) -> None:
    job_id, state = ended(runtime, tenant, "house.leave_child", name="child")
    assert state == "succeeded"
    child = house.job(runtime, tenant.id, job_id).result["pid"]
    house.eventually(lambda: not alive(child), within=10, what="the end of the child")
    assert ended(runtime, tenant, "house.quick", name="next")[1] == "succeeded"


def test_a_process_that_hears_no_alarm_ends_by_itself_and_leaves_its_stack() -> None:
    deaf = (
        "import collections, itertools\nfrom tenants.heartbeat import stoppable\n"
        "with stoppable(0.1, deaf=0.2):\n    collections.deque(itertools.repeat(0), maxlen=0)\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", deaf], cwd=ROOT, env=os.environ, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Timeout" in done.stderr
    assert time.monotonic() - began < 10


@pytest.mark.skipif(not os.environ.get("CHAOS"), reason="takes a minute; CHAOS=1")
def test_a_job_that_hears_no_alarm_is_parked_and_others_are_done(
    runtime: Runtime, tenant: Tenant, workers: Workers
) -> None:
    job_id, state = ended(runtime, tenant, "house.go_deaf", within=2 * LOST, name="deaf")
    row = house.job(runtime, tenant.id, job_id)
    assert (state, row.attempt, row.error["code"]) == ("failed", 2, "job.worker_lost")
    assert house.effects(runtime, tenant) == {}
    assert ended(runtime, tenant, "house.quick", name="next")[1] == "succeeded"
