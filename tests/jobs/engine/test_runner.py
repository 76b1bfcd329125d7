"""Running jobs: effects and end in one transaction, refusals, retries, time limits, cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from app.kit.jobs import ledger
from app.kit.jobs.interrupts import LeaseLost
from app.kit.jobs.registry import JobRegistry, JobSpec
from tenants.models import TenantRecord
from tenants.runner import Runner
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tenants.work import Work
from tests.jobs.engine import house
from tests.rival import Rival

Work_ = Callable[[], int]


def enqueue(runtime: Runtime, tenant: Tenant, kind: str, **args: object) -> UUID:
    """Put a job into the ledger."""
    with runtime.tenant(tenant, request_id="req-1") as ctx:
        return ctx.enqueue(kind, args)


def test_a_job_has_its_effect_and_its_result(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.quick", name="a")
    assert work() == 1
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.result, row.progress) == ("succeeded", {"name": "a", "attempt": 1}, 1.0)
    assert house.effects(runtime, tenant) == {"a": 1}


def test_a_job_of_many_transactions_says_how_far_it_is(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.steps", name="s", count=5, pause=0.06)
    work()
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.result) == ("succeeded", {"count": 5})
    assert row.step.startswith("step ")
    assert len(house.effects(runtime, tenant, "s:")) == 5


def test_an_expected_refusal_is_told_and_not_tried_again(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.refuse", name="r")
    work()
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.attempt) == ("failed", 1)
    assert (row.error["code"], row.error["detail"]) == ("house.full", "All rooms are taken.")
    assert house.effects(runtime, tenant) == {}


def test_an_unexpected_failure_is_tried_again_and_then_parked(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.break_down", name="b")
    house.eventually(
        lambda: work() >= 0 and house.job(runtime, tenant.id, job_id).state == "failed", within=5, what="parking"
    )
    row = house.job(runtime, tenant.id, job_id)
    assert row.attempt == 3
    assert "division" not in str(row.error)
    assert row.error["detail"].endswith("tell us the number req-1.")
    assert house.effects(runtime, tenant) == {}


def test_a_job_that_fails_at_first_has_its_effect_once(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.break_down", name="b", times=2)
    house.eventually(
        lambda: work() >= 0 and house.job(runtime, tenant.id, job_id).state == "succeeded", within=5, what="the end"
    )
    assert house.effects(runtime, tenant) == {"b": 1}


def test_a_job_that_loses_a_deadlock_is_done_again_and_once(
    runtime: Runtime, tenant: Tenant, work: Work_, jobs_superuser_url: str
) -> None:
    job_id = enqueue(runtime, tenant, "house.quick", name="d", pause=0.5)
    with closing(Rival(jobs_superuser_url, str(tenant.schema))) as rival, ThreadPoolExecutor(1) as thread:

        def win() -> None:
            house.eventually(lambda: house.job(runtime, tenant.id, job_id).state == "running", within=10, what="work")
            # The job has its effect and wants to note its end; the rival has the note and wants the effect.
            rival.run("SELECT FROM desk.job WHERE id = %s FOR UPDATE", job_id)
            rival.wait_for_other()
            rival.run("INSERT INTO desk.usage (tenant_id, metric, used) VALUES (%s, 'd', 0)", tenant.id)
            rival.roll_back()

        won = thread.submit(win)
        house.eventually(
            lambda: work() >= 0 and house.job(runtime, tenant.id, job_id).state == "succeeded",
            within=20,
            what="the end",
        )
        won.result()
    assert house.job(runtime, tenant.id, job_id).attempt == 2
    assert house.effects(runtime, tenant) == {"d": 1}


def test_a_query_that_takes_too_long_is_cut_and_leaves_no_answer_behind(
    runtime: Runtime, tenant: Tenant, work: Work_
) -> None:
    long = enqueue(runtime, tenant, "house.long_query", name="l")
    numbers = [enqueue(runtime, tenant, "house.answer", number=number) for number in range(10)]
    work()
    work()
    row = house.job(runtime, tenant.id, long)
    assert (row.state, row.error["code"]) == ("failed", "job.timeout")
    answers = [house.job(runtime, tenant.id, job_id).result for job_id in numbers]
    assert answers == [{"number": number} for number in range(10)]
    assert house.effects(runtime, tenant) == {}


@pytest.mark.parametrize("status", ["suspended", "failed", "deleted"])
def test_a_tenant_that_is_not_active_gets_no_work_done(runtime: Runtime, status: str, work: Work_) -> None:
    tenant = house.make_tenant(runtime, status=status)
    job_id = enqueue(runtime, tenant, "house.quick", name="a")
    work()
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.error["code"]) == ("failed", f"tenant.{status}")
    assert house.effects(runtime, tenant) == {}


def test_a_job_waits_while_its_tenant_is_being_made(runtime: Runtime, work: Work_) -> None:
    tenant = house.make_tenant(runtime, status="provisioning")
    job_id = enqueue(runtime, tenant, "house.quick", name="a")
    work()
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.attempt) == ("queued", 0)
    with runtime.control() as session:
        session.get_one(TenantRecord, tenant.id).status = "active"
    runtime.resolver.changed(tenant.id)
    house.eventually(
        lambda: work() >= 0 and house.job(runtime, tenant.id, job_id).state == "succeeded", within=5, what="the end"
    )


def test_a_job_of_a_tenant_that_is_gone_fails(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    job_id = enqueue(runtime, tenant, "house.quick", name="a")
    with runtime.control() as session:
        session.delete(session.get_one(TenantRecord, tenant.id))
    runtime.resolver.changed(tenant.id)
    work()
    assert house.job(runtime, tenant.id, job_id).error["code"] == "tenant.not_found"


def test_a_kind_that_nobody_knows_any_more_fails(runtime: Runtime, tenant: Tenant, work: Work_) -> None:
    with runtime.tenant(tenant) as ctx:
        job_id = ctx.enqueue("house.quick", {"name": "a"})
        house.job_in(ctx, job_id).kind = "house.gone"
    work()
    assert house.job(runtime, tenant.id, job_id).error["code"] == "job.unknown_kind"


def test_a_running_job_stops_at_its_next_step_when_asked(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant, "house.steps", name="s", count=1000, pause=0.02)

    def ask() -> None:
        house.eventually(lambda: house.effects(runtime, tenant, "s:"), within=5, what="the first step")
        with runtime.tenant(tenant) as ctx:
            ledger.cancel(ctx.db, tenant_id=tenant.id, job_id=job_id, now=ctx.now)

    asker = threading.Thread(target=ask)
    asker.start()
    Runner(runtime).work_shift("default")
    asker.join()
    row = house.job(runtime, tenant.id, job_id)
    assert row.state == "cancelled"
    assert 1 <= len(house.effects(runtime, tenant, "s:")) < 200


def test_a_job_that_was_given_to_another_worker_commits_nothing(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant, "house.quick", name="late")
    with runtime.platform() as session:
        now = ledger.database_now(session)
        claim = ledger.claim(session, tenant_id=tenant.id, job_id=job_id, worker="slow", now=now)
    assert claim is not None
    with runtime.platform() as session:
        ledger.expire(session, now=house.now_plus(60))
    Runner(runtime).run(claim)
    assert house.effects(runtime, tenant) == {}
    assert house.job(runtime, tenant.id, job_id).state == "queued"


def test_a_late_transaction_of_many_is_refused(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant, "house.steps", name="s", count=1)
    with runtime.platform() as session:
        now = ledger.database_now(session)
        claim = ledger.claim(session, tenant_id=tenant.id, job_id=job_id, worker="slow", now=now)
    assert claim is not None
    work = Work(runtime, claim, runtime.jobs.get("house.steps"), tenant)

    def late() -> None:
        with work.transaction() as ctx:
            house.add(ctx, "late")
            with runtime.platform() as session:
                ledger.expire(session, now=house.now_plus(60))

    with pytest.raises(LeaseLost):
        late()
    assert house.effects(runtime, tenant) == {}


def test_a_tenant_with_much_to_do_does_not_keep_another_waiting(
    runtime: Runtime, tenant: Tenant, other: Tenant
) -> None:
    with runtime.tenant(tenant) as ctx:
        for number in range(50):
            ctx.enqueue("house.quick", {"name": f"n{number}"})
    late = enqueue(runtime, other, "house.quick", name="late")
    busy = [_claim_next(runtime) for _ in range(2)]
    assert busy[0].tenant_id == tenant.id
    assert (busy[1].tenant_id, busy[1].id) == (other.id, late)


def test_a_tenant_at_its_cap_waits_and_others_go_on(runtime: Runtime, tenant: Tenant) -> None:
    cap = tenant.tier.concurrent_jobs
    with runtime.tenant(tenant) as ctx:
        for number in range(cap + 5):
            ctx.enqueue("house.quick", {"name": f"n{number}"})
    taken = [_claim_next(runtime) for _ in range(cap + 2)]
    assert [claim is not None for claim in taken] == [True] * cap + [False, False]


def _claim_next(runtime: Runtime) -> ledger.Claim:
    return Runner(runtime)._claim("default", "main")  # type: ignore[return-value]


@pytest.mark.parametrize(
    "wrong", [{"queue": "fast"}, {"transaction": "some"}, {"max_attempts": 0}, {"timeout": 0}, {"backoff": 0}]
)
def test_a_job_that_is_declared_wrongly_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="declared wrongly"):
        JobRegistry([JobSpec("x", house.quick, **wrong)])
    with pytest.raises(ValueError, match="two jobs"):
        JobRegistry([JobSpec("x", house.quick), JobSpec("x", house.quick)])
