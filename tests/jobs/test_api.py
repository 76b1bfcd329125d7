"""Background work over the API and in the browser: only one's own, only one's own tenant's."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.accounts.models import UserAccount
from app.jobs import queries
from app.jobs.module import module
from app.jobs.sweep import sweep
from app.kit.clock import utcnow
from app.kit.desk import IdempotencyKey, Job, Outbox
from app.kit.errors import NotFound
from app.kit.jobs.ledger import Claim
from app.kit.jobs.registry import JobSpec
from tenants.context import Actor, Ctx
from tenants.runtime import Runtime
from tenants.work import Work
from tests.jobs.engine import house
from tests.world import House, World

KIND = "doors.long"


@pytest.fixture(scope="module", autouse=True)
def long_work(world: World) -> None:
    """Let the installation know one more kind of job."""
    spec = JobSpec(KIND, lambda ctx, work: None, title="Long work", present=lambda ctx, result: {**result, "shown": 1})
    for runtime in (world.runtime, world.worker_runtime):
        if KIND not in {known.kind for known in runtime.jobs}:
            runtime.jobs.add(spec)


def owner_of(at: House) -> Actor:
    """Return the tenant's owner as an actor."""
    with at.ctx() as ctx:
        mine = select(UserAccount.id).where(UserAccount.email_norm == at.owner_email)
        return Actor(kind="user", id=ctx.db.scalar(mine), name="Owner")


def enqueue(at: House, actor: Actor, **columns: Any) -> str:
    """Put a job of `actor` into the ledger, in the state that `columns` say; far off, so that no worker takes it."""
    with at.world.runtime.tenant(at.tenant.id, actor=actor) as ctx:
        job_id = ctx.enqueue(KIND, {}, run_at=ctx.now + timedelta(days=1))
        for name, value in columns.items():
            setattr(house.job_in(ctx, job_id), name, value)
    return str(job_id)


def test_a_job_shows_how_far_it_is(acme: House) -> None:
    job_id = enqueue(acme, owner_of(acme), progress=0.25, step="10 of 40 rows")
    shown = acme.api().get(f"/jobs/{job_id}").json
    assert (shown["id"], shown["kind"], shown["title"], shown["state"]) == (job_id, KIND, "Long work", "queued")
    assert (shown["progress"], shown["step"]) == (0.25, "10 of 40 rows")
    assert "result" not in shown
    assert "error" not in shown


def test_an_ended_job_shows_its_result_or_its_error(acme: House) -> None:
    actor = owner_of(acme)
    good = enqueue(acme, actor, state="succeeded", result={"rows": 40}, finished_at=utcnow())
    error = {"code": "x.y", "title": "No", "detail": "Row 3 is wrong.", "request_id": "r"}
    bad = enqueue(acme, actor, state="failed", error=error, finished_at=utcnow())
    api = acme.api()
    assert api.get(f"/jobs/{good}").json["result"] == {"rows": 40, "shown": 1}
    assert api.get(f"/jobs/{bad}").json["error"] == error


def test_another_tenants_job_is_not_there(acme: House, globex: House) -> None:
    job_id = enqueue(acme, owner_of(acme))
    mallory = globex.api()
    missing = mallory.get(f"/jobs/{uuid.uuid4()}")
    for answer in (mallory.get(f"/jobs/{job_id}"), mallory.delete(f"/jobs/{job_id}")):
        assert (answer.status_code, answer.json["detail"]) == (404, missing.json["detail"])
    assert [job["id"] for job in mallory.get("/jobs").json["items"]] == []


def test_somebody_elses_job_is_for_those_who_may_see_all(acme: House) -> None:
    job_id = UUID(enqueue(acme, replace(owner_of(acme), id=uuid.uuid4())))
    from_above = acme.api().get(f"/jobs/{job_id}")
    assert from_above.status_code == 200
    stranger = Actor(kind="user", id=uuid.uuid4(), permissions=frozenset({"jobs.read"}))
    with acme.ctx(actor=stranger) as ctx:
        assert visible(ctx, job_id) is False


def visible(ctx: Ctx, job_id: UUID) -> bool:
    """Say whether the actor of `ctx` sees a job."""
    try:
        queries.get_job(ctx, job_id=job_id)
    except NotFound:
        return False
    return True


def test_stopping_a_waiting_job_ends_it_and_stopping_an_ended_one_is_refused(acme: House) -> None:
    job_id = enqueue(acme, owner_of(acme))
    api = acme.api()
    assert api.delete(f"/jobs/{job_id}").json["state"] == "cancelled"
    refused = api.delete(f"/jobs/{job_id}")
    assert (refused.status_code, refused.json["code"]) == (409, "job.ended")


def test_the_list_is_paged_newest_first(acme: House) -> None:
    actor = owner_of(acme)
    made = [enqueue(acme, actor) for _ in range(5)]
    api = acme.api()
    seen: list[str] = []
    cursor = None
    while True:
        page = api.get("/jobs", query_string={"limit": 2, "kind": KIND, **({"cursor": cursor} if cursor else {})}).json
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert api.get("/jobs?state=succeeded").json["items"] == []
    assert api.get("/jobs?colour=red").status_code == 422


def test_pages_show_work_and_stop_it(acme: House) -> None:
    job_id = enqueue(acme, owner_of(acme), progress=0.5, step="half of it")
    browser = acme.signed_in()
    listing = browser.get("/jobs")
    assert listing.status_code == 200
    assert f"/jobs/{job_id}" in listing.text
    page = browser.get(f"/jobs/{job_id}")
    assert "half of it" in page.text
    assert "Stop this job" in page.text
    part = browser.get(f"/jobs/{job_id}/progress")
    assert part.status_code == 200
    assert "<html" not in part.text


def test_the_broom_takes_only_what_is_old(world: World, acme: House) -> None:
    runtime: Runtime = world.worker_runtime
    actor = owner_of(acme)
    old, young = utcnow() - timedelta(days=40), utcnow() - timedelta(days=5)
    gone = enqueue(acme, actor, state="succeeded", finished_at=old)
    kept = [enqueue(acme, actor, state="succeeded", finished_at=young), enqueue(acme, actor)]
    with runtime.platform() as session:
        for name, at, expires in (("gone", old, old), ("kept", young, utcnow() + timedelta(days=1))):
            common = {"tenant_id": acme.tenant.id}
            session.add(IdempotencyKey(**common, scope=name, fingerprint="", created_at=at, expires_at=expires))
            session.add(
                Outbox(**common, type=name, aggregate_id=uuid.uuid4(), payload={}, request_id="", relayed_at=at)
            )
    claim = Claim(acme.tenant.id, UUID(gone), "jobs.sweep", "bulk", {}, 1, 1, 0, None, "", "")
    work = Work(runtime, claim, module.jobs[0], None)
    work.progress = lambda fraction, step="": None  # type: ignore[method-assign]
    sweep(runtime, work)
    with runtime.platform() as session:
        mine = {"jobs": select(Job.id).where(Job.tenant_id == acme.tenant.id, Job.kind == KIND)}
        assert {str(job_id) for job_id in session.scalars(mine["jobs"])} == set(kept)
        keys = select(IdempotencyKey.scope).where(IdempotencyKey.tenant_id == acme.tenant.id)
        assert set(session.scalars(keys)) >= {"kept"}
        assert "gone" not in set(session.scalars(keys))
        events = select(Outbox.type).where(Outbox.tenant_id == acme.tenant.id, Outbox.type.in_(("gone", "kept")))
        assert list(session.scalars(events)) == ["kept"]
