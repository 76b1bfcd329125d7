"""An import or an undoing whose worker is killed goes on where it was, and doubles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from app.imports import undoing
from app.imports.models import ImportRun
from app.kit.desk import Job
from config.settings import Settings
from tenants import quotas
from tests.imports.shop import HEADER
from tests.imports.support import begin, bring_in, rows, upload
from tests.jobs.engine.house import eventually
from tests.jobs.engine.processes import Workers, kill
from tests.world import House, World

ROOT = Path(__file__).parents[2]
ORDERS, LINES = 2_000, 3
KILLS = 1


def _file() -> bytes:
    lines = [
        f"8{order:05},P{order % 50},Thing {order % 50},{line + 1},2010-12-01,1.00,1.0,France"
        for order in range(ORDERS)
        for line in range(LINES)
    ]
    return "\n".join([HEADER, *lines, ""]).encode()


@contextmanager
def _workers(settings: Settings) -> Iterator[Workers]:
    """Run the product's own background processes on the database of this test."""
    env = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "WORKER_DATABASE_URL": settings.worker_database_url or "",
        "REDIS_URL": settings.redis_url,
        "BASE_URL": settings.base_url,
        "SPARES": "0",
        "WORKERS": "2",
    }
    process = subprocess.Popen([sys.executable, "worker.py"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    house = Workers(process)
    try:
        eventually(lambda: len(house.children()) == 3, within=30, what="the start of the workers")
        yield house
    finally:
        house.stop()


def _job(house: House, job_id: UUID) -> Job:
    with house.ctx() as ctx:
        return ctx.db.get_one(Job, (ctx.tenant.id, job_id))


def _run(house: House, run_id: UUID) -> ImportRun:
    with house.ctx() as ctx:
        return ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id))


def test_a_killed_import_goes_on_and_doubles_nothing(world: World, settings: Settings, tmp_path: Path) -> None:
    house = world.tenant("acme", tier="premium")
    run_id = upload(house, _file(), resource="orders", tmp=tmp_path)
    with _workers(settings) as workers:
        job_id = begin(house, run_id, currency="GBP")
        for number in range(1, KILLS + 1):
            done = _run(house, run_id).groups_done
            eventually(lambda seen=done: _run(house, run_id).groups_done > seen, within=60, what="a batch")
            assert _job(house, job_id).attempt == number
            assert [kill(horse) for horse in workers.horses()]
        eventually(lambda: _job(house, job_id).state == "succeeded", within=90, what="the end of the import")
    run = _run(house, run_id)
    assert _job(house, job_id).attempt == KILLS + 1
    assert (run.rows_read, run.rows_imported, run.rows_unchanged, run.rows_failed) == (
        ORDERS * LINES,
        ORDERS * LINES,
        0,
        0,
    )
    assert run.counts["orders_created"] == ORDERS
    [(orders, numbers, references)] = rows(
        house,
        "SELECT count(*), max(number) - min(number) + 1, count(DISTINCT external_ref) FROM sales_order "
        "WHERE tenant_id = :tenant",
    )
    assert (orders, numbers, references) == (ORDERS, ORDERS, ORDERS)
    assert rows(house, "SELECT count(*) FROM order_line WHERE tenant_id = :tenant") == [(ORDERS * LINES,)]
    assert rows(house, "SELECT count(*) FROM product WHERE tenant_id = :tenant") == [(50,)]
    used = rows(house, "SELECT metric, used FROM desk.usage WHERE tenant_id = :tenant")
    assert {("orders", ORDERS), ("products", 50)} <= {tuple(row) for row in used}


def test_a_killed_undoing_goes_on_and_leaves_nothing(world: World, settings: Settings, tmp_path: Path) -> None:
    house = world.tenant("acme", tier="premium")
    run = bring_in(house, _file(), resource="orders", tmp=tmp_path, currency="GBP")
    undone = "SELECT count(*) FROM import_change WHERE tenant_id = :tenant AND undo_state = 'undone'"
    with _workers(settings) as workers:
        with house.ctx() as ctx:
            job_id = undoing.start(ctx, run_id=run.id).undo_job_id
        assert job_id is not None
        eventually(lambda: rows(house, undone)[0][0] > 0, within=60, what="a batch")
        assert [kill(horse) for horse in workers.horses()]
        eventually(lambda: _job(house, job_id).state == "succeeded", within=90, what="the end of the undoing")
    assert _job(house, job_id).attempt == 2
    assert rows(house, undone) == [(ORDERS + 50,)]
    for table in ("sales_order", "order_line", "order_event", "product"):
        assert rows(house, f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant") == [(0,)]
    with house.ctx() as ctx:
        assert not quotas.recount(ctx)
