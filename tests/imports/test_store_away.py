"""While the file store is away nothing is lost: a door says so, a job waits and goes on."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.factory import create_app
from app.imports.models import ImportRun
from app.kit.clock import utcnow
from app.kit.desk import Job
from tenants.runner import Runner
from tenants.runtime import Runtime
from tests.imports.shop import SHOP, SHOP_ROWS
from tests.imports.support import begin, upload
from tests.world import House, World

NOWHERE = "http://127.0.0.1:9"


def _away(runtime: Runtime) -> Runtime:
    return replace(runtime, settings=replace(runtime.settings, s3_endpoint_url=NOWHERE))


@pytest.fixture
def away(world: World, runtime: Runtime) -> World:
    """Return the same installation as a process sees it that cannot reach the file store."""
    lonely = _away(runtime)
    return World(create_app(runtime=lonely), lonely, world.worker_runtime)


def test_an_upload_is_refused_with_when_to_come_back(acme: House, away: World) -> None:
    house = replace(acme, world=away)
    data = {"resource": "orders", "file": (io.BytesIO(SHOP.encode()), "orders.csv")}
    answer = house.api().post("/imports", data=data, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["code"]) == (503, "file.store_down")
    assert answer.headers["Retry-After"] == "30"
    with acme.ctx() as ctx:
        assert ctx.db.scalar(select(func.count()).select_from(ImportRun)) == 0


def test_a_job_waits_and_says_so_and_then_goes_on(acme: House, worker_runtime: Runtime, tmp_path: Path) -> None:
    run_id = upload(acme, SHOP.encode(), resource="orders", tmp=tmp_path)
    job_id = begin(acme, run_id, currency="GBP")
    Runner(_away(worker_runtime)).work_shift("bulk")
    with acme.ctx() as ctx:
        job = ctx.db.get_one(Job, (ctx.tenant.id, job_id))
        assert (job.state, job.step) == ("queued", "The file store does not answer. The work goes on when it does.")
        ctx.db.execute(update(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job_id).values(run_at=utcnow()))
    acme.world.drain()
    with acme.ctx() as ctx:
        assert ctx.db.get_one(Job, (ctx.tenant.id, job_id)).state == "succeeded"
        assert ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id)).rows_imported == SHOP_ROWS
