"""Claims, fences, order, cancellation and recovery in the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from app.kit.clock import utcnow
from app.kit.jobs import ledger
from app.kit.jobs.interrupts import LeaseLost
from app.kit.jobs.ledger import Claim
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house


def enqueue(runtime: Runtime, tenant: Tenant, name: str = "a", **options: object) -> UUID:
    """Put one quick job into the ledger."""
    with runtime.tenant(tenant) as ctx:
        return ctx.enqueue("house.quick", {"name": name}, **options)


def take(runtime: Runtime, tenant: Tenant, job_id: UUID, seconds: float = 1) -> Claim | None:
    """Claim a job as a worker would, `seconds` from now."""
    with runtime.platform() as session:
        now = house.now_plus(seconds)
        return ledger.claim(session, tenant_id=tenant.id, job_id=job_id, worker="test", now=now)


def held(runtime: Runtime, tenant: Tenant) -> Claim:
    """Put a job into the ledger and claim it."""
    claim = take(runtime, tenant, enqueue(runtime, tenant))
    assert claim is not None
    return claim


def test_of_twenty_workers_one_gets_the_job(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant)
    with ThreadPoolExecutor(5) as threads:
        claims = list(threads.map(lambda _: take(runtime, tenant, job_id), range(20)))
    assert sum(claim is not None for claim in claims) == 1
    assert house.job(runtime, tenant.id, job_id).attempt == 1


def test_a_job_is_not_taken_before_its_time(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant, run_at=house.now_plus(60))
    assert take(runtime, tenant, job_id) is None
    assert take(runtime, tenant, job_id, seconds=61) is not None


def test_jobs_of_one_order_are_taken_one_after_the_other(runtime: Runtime, tenant: Tenant) -> None:
    first = enqueue(runtime, tenant, ordering_key="one")
    second = enqueue(runtime, tenant, ordering_key="one")
    elsewhere = enqueue(runtime, tenant, ordering_key="two")
    assert take(runtime, tenant, second) is None
    assert take(runtime, tenant, elsewhere) is not None
    claim = take(runtime, tenant, first)
    assert claim is not None
    assert take(runtime, tenant, second) is None
    with runtime.platform() as session:
        ledger.finish(session, claim, None, now=utcnow())
    assert take(runtime, tenant, second) is not None


def test_a_worker_whose_lease_ran_out_cannot_write(runtime: Runtime, tenant: Tenant) -> None:
    late = held(runtime, tenant)
    with runtime.platform() as session:
        assert ledger.expire(session, now=house.now_plus(60)) == 1
    writes = [
        lambda session: ledger.finish(session, late, None, now=utcnow()),
        lambda session: ledger.fail(session, late, {}, now=utcnow()),
        lambda session: ledger.retry(session, late, {}, now=utcnow(), delay=0),
        lambda session: ledger.release(session, late, now=utcnow()),
        lambda session: ledger.beat(session, late, now=utcnow()),
        lambda session: ledger.hold(session, late),
    ]
    for write in writes:
        with pytest.raises(LeaseLost), runtime.platform() as session:
            write(session)
    again = take(runtime, tenant, late.id, seconds=61)
    assert again is not None
    assert (again.fence, again.attempt) == (late.fence + 2, 2)
    with pytest.raises(LeaseLost), runtime.platform() as session:
        ledger.finish(session, late, {"late": True}, now=utcnow())
    assert house.job(runtime, tenant.id, late.id).state == "running"


def test_a_renewed_lease_is_not_taken_back(runtime: Runtime, tenant: Tenant) -> None:
    claim = held(runtime, tenant)
    with runtime.platform() as session:
        assert not ledger.beat(session, claim, now=house.now_plus(30), progress=0.5, step="half")
        assert ledger.expire(session, now=house.now_plus(40)) == 0
    row = house.job(runtime, tenant.id, claim.id)
    assert (row.progress, row.step) == (0.5, "half")


def test_a_job_that_lost_all_its_workers_fails_with_words_for_people(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant)
    for attempt in range(20):
        assert take(runtime, tenant, job_id, seconds=100 * attempt + 1) is not None
        with runtime.platform() as session:
            ledger.expire(session, now=house.now_plus(100 * attempt + 60))
    row = house.job(runtime, tenant.id, job_id)
    assert (row.state, row.error["code"]) == ("failed", "job.worker_lost")


def test_a_waiting_job_is_cancelled_at_once(runtime: Runtime, tenant: Tenant) -> None:
    job_id = enqueue(runtime, tenant)
    with runtime.tenant(tenant) as ctx:
        ledger.cancel(ctx.db, tenant_id=tenant.id, job_id=job_id, now=ctx.now)
    assert house.job(runtime, tenant.id, job_id).state == "cancelled"
    assert take(runtime, tenant, job_id) is None


def test_a_cancelled_job_is_not_tried_again(runtime: Runtime, tenant: Tenant) -> None:
    claim = held(runtime, tenant)
    with runtime.platform() as session:
        ledger.cancel(session, tenant_id=tenant.id, job_id=claim.id, now=utcnow())
        assert ledger.beat(session, claim, now=utcnow())
        ledger.retry(session, claim, {"code": "x"}, now=utcnow(), delay=1)
    assert house.job(runtime, tenant.id, claim.id).state == "cancelled"


def test_an_ended_job_stays_as_it_is(runtime: Runtime, tenant: Tenant) -> None:
    claim = held(runtime, tenant)
    with runtime.platform() as session:
        ledger.finish(session, claim, {"n": 1}, now=utcnow())
        ledger.cancel(session, tenant_id=tenant.id, job_id=claim.id, now=utcnow())
    row = house.job(runtime, tenant.id, claim.id)
    assert (row.state, row.result, row.cancel_requested) == ("succeeded", {"n": 1}, False)


def test_one_dedupe_key_makes_one_job(runtime: Runtime, tenant: Tenant, other: Tenant) -> None:
    ids = {enqueue(runtime, tenant, dedupe_key="once") for _ in range(3)}
    assert len(ids) == 1
    assert enqueue(runtime, other, dedupe_key="once") not in ids


def test_a_job_goes_with_its_cause(runtime: Runtime, tenant: Tenant) -> None:
    def fail_after_enqueue() -> None:
        with runtime.tenant(tenant) as ctx:
            ctx.enqueue("house.quick", {"name": "never"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_enqueue()
    assert house.open_jobs(runtime, tenant) == 0
    assert runtime.redis.llen("rq:queue:default") == 0


def test_back_off_grows_is_capped_and_spreads() -> None:
    for attempt in range(1, 40):
        waits = [ledger.backoff(2.0, attempt) for _ in range(50)]
        ceiling = min(2.0 * 2 ** (attempt - 1), ledger.MAX_BACKOFF)
        assert 0 <= min(waits) <= max(waits) <= ceiling
        assert len(set(waits)) > 20
    assert timedelta(seconds=ledger.HEARTBEAT) * 3 < ledger.LEASE
