"""One run over all schemas: order, waves, failures, the journal, and what a second run finds to do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from app.factory import build_runtime
from tenants.history import TENANT_HISTORY
from tenants.migrate import migrate_fleet, plan_fleet
from tenants.migration.catchup import catch_up
from tenants.migration.journal import AnotherRun, alone
from tenants.migration.options import Options, Silent
from tenants.migration.plan import Target, describe
from tenants.schemas import drop_schema, migrator
from tests.conftest import login_urls
from tests.tenants.migration.fleet import Fleet, new_database
from tests.tenants.migration.revisions import BROKEN, COLUMN, EXPAND, extended


class Order(Silent):
    """Remembers in which order schemas were moved, and acts after each."""

    def __init__(self, after_each: Any = lambda target: None) -> None:
        self.seen: list[str] = []
        self.after_each = after_each

    def moved(self, target: Target, seconds: float) -> None:
        """Remember the schema."""
        self.seen.append(target.schema)
        self.after_each(target)


def test_every_schema_ends_at_the_head_with_its_index_and_its_rows_changed_once(fleet: Fleet, tmp_path: Path) -> None:
    history = extended(tmp_path, COLUMN, EXPAND)
    for schema, products in ((fleet.schemas[0], 30), ("pool_01", 7), ("pool_01", 0), ("pool_01", 15)):
        fleet.tenant(schema, products)
    report = fleet.migrate(history)
    assert (report.complete, len(report.moved), report.unchanged) == (True, 6, 0)
    assert set(fleet.revisions().values()) == {"9002"}
    assert (fleet.touches(fleet.schemas[0]), fleet.touches("pool_01")) == ({1: 30}, {1: 22})
    assert all(fleet.has_index(schema, "ix_product_touched") for schema in fleet.revisions())
    assert fleet.rows("SELECT DISTINCT state FROM control.schema_work") == [("done",)]
    assert fleet.rows("SELECT sum(rows_changed)::int FROM control.schema_work") == [(52,)]


def test_a_schema_made_at_the_head_is_shaped_like_one_that_was_moved(fleet: Fleet, tmp_path: Path) -> None:
    history = extended(tmp_path, COLUMN, EXPAND)
    fleet.migrate(history)
    (fresh,) = fleet.add(1, history=history)
    assert fleet.has_index(fresh, "ix_product_touched")
    assert fleet.migrate(history).unchanged == 7


def test_with_nothing_to_do_a_run_is_one_query_and_leaves_no_trace(fleet: Fleet, monkeypatch: Any) -> None:
    runs, asked = fleet.rows("SELECT count(*) FROM control.migration_run"), []
    execute = psycopg.Connection.execute

    def listening(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        asked.append(query)
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", listening)
    report = fleet.migrate(TENANT_HISTORY)
    monkeypatch.undo()
    assert (report.moved, report.unchanged, report.complete) == ([], 6, True)
    assert len(asked) == 1
    assert fleet.rows("SELECT count(*) FROM control.migration_run") == runs


def test_a_plan_says_what_would_be_done_and_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    history = extended(tmp_path, EXPAND)
    before = fleet.revisions()
    plan = plan_fleet({"main": fleet.admin_url}, pools=3, history=history, options=Options(wave=2))
    text = "\n".join(describe(plan))
    for part in (
        "make pool_03",
        "Canaries: 1 schemas",
        "Wave 3: 1 schemas (pool_02)",
        "ALTER TABLE product ADD COLUMN touched bigint DEFAULT 0 NOT NULL;",
        "CREATE INDEX CONCURRENTLY ix_product_touched",
        "7 rows of product at a time: touched = touched + 1",
    ):
        assert part in text
    assert fleet.revisions() == before


def test_pools_go_last_or_first_and_spares_before_people(fleet: Fleet, tmp_path: Path) -> None:
    spare = fleet.schemas[-1]
    fleet.superuser.execute(
        "INSERT INTO control.spare (schema_name, role_name, database, state, created_at) "
        f"VALUES ('{spare}', '{spare}', 'main', 'ready', now())"
    )
    last, first = Order(), Order()
    fleet.migrate(extended(tmp_path / "a", COLUMN), options=Options(workers=1), watch=last)
    assert (last.seen[0], last.seen[-2:]) == (spare, ["pool_01", "pool_02"])
    history = extended(tmp_path / "b", COLUMN, EXPAND)
    fleet.migrate(history, options=Options(workers=1, pools_first=True), watch=first)
    assert (first.seen[:2], first.seen[2]) == (["pool_01", "pool_02"], spare)


def test_a_failing_canary_stops_the_run_before_anybody_else_is_touched(fleet: Fleet, tmp_path: Path) -> None:
    fleet.tenant(min(fleet.schemas), 1)
    report = fleet.migrate(extended(tmp_path, BROKEN))
    assert report.stopped == "a canary failed"
    assert list(report.failed) == [min(fleet.schemas)]
    assert "CheckViolation" in report.failed[min(fleet.schemas)]
    assert set(fleet.revisions().values()) == {TENANT_HISTORY.head}
    assert fleet.rows("SELECT state, reason FROM control.migration_run ORDER BY started_at DESC LIMIT 1") == [
        ("stopped", "a canary failed")
    ]
    # The first statement of the revision was taken back with the second.
    assert fleet.rows("SELECT 1 FROM pg_attribute WHERE attname = 'weight'") == []


def test_a_run_bears_failures_up_to_its_budget(fleet: Fleet, tmp_path: Path) -> None:
    for schema in fleet.schemas:
        fleet.tenant(schema, 1)
    history = extended(tmp_path, BROKEN)
    borne = fleet.migrate(history, options=Options(canary=0, budget=4))
    assert (len(borne.failed), borne.stopped, len(borne.moved)) == (4, "", 2)
    stopped = fleet.migrate(history, options=Options(canary=0, budget=1, workers=1))
    assert (len(stopped.failed), stopped.stopped) == (2, "2 schemas failed, 1 are borne")
    reasons = fleet.rows("SELECT count(*) FROM control.migration_step WHERE state = 'failed' AND reason <> ''")
    assert reasons == [(6,)]


def test_a_lock_held_by_traffic_is_waited_for_and_given_up_on_with_a_reason(fleet: Fleet, tmp_path: Path) -> None:
    history, schema = extended(tmp_path, COLUMN), fleet.schemas[0]
    options = Options(canary=0, lock_timeout=20, lock_tries=3)
    with psycopg.connect(fleet.superuser_url) as reader:
        reader.execute(f'SELECT count(*) FROM "{schema}".workspace'.encode())
        report = fleet.migrate(history, options=options)
        assert report.failed == {schema: "a lock on one of its tables was never free"}
        assert len(report.moved) == 5
        release = threading.Thread(target=_release_after_a_refusal, args=(fleet, reader))
        release.start()
        again = fleet.migrate(history, options=Options(canary=0, lock_timeout=100, lock_tries=50))
        release.join()
    assert (again.moved, again.unchanged) == ([schema], 5)
    step = f"SELECT attempts > 1, state FROM control.migration_step WHERE schema_name = '{schema}' ORDER BY run_id DESC"
    assert fleet.rows(step)[0] == (True, "succeeded")


def _release_after_a_refusal(fleet: Fleet, reader: psycopg.Connection[Any]) -> None:
    """End the reader's transaction when somebody has waited for its lock and gone away again."""
    waits, pause = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation IS NOT NULL", threading.Event()
    for is_waiting in (True, False):
        while fleet.rows(waits) != [(is_waiting,)]:
            pause.wait(0.005)
    reader.rollback()


def test_tenants_that_come_during_a_run_end_at_the_head(fleet: Fleet, tmp_path: Path) -> None:
    """A worker of the release before goes on making schemas while the run is at work."""
    history, new = extended(tmp_path, COLUMN, EXPAND), []

    def provision(target: Target) -> None:
        if len(new) < 3:
            new.extend(fleet.add(1))
            fleet.tenant(new[-1], 9)
            fleet.tenant("pool_02", 3)

    report = fleet.migrate(history, options=Options(workers=1), watch=Order(provision))
    assert report.complete
    assert len(report.moved) == 9
    assert set(fleet.revisions().values()) == {"9002"}
    assert all(fleet.touches(schema) == {1: 9} for schema in new)
    assert fleet.touches("pool_02") == {1: 9}


def test_a_schema_that_is_removed_during_a_run_is_no_failure(fleet: Fleet, tmp_path: Path) -> None:
    def remove(target: Target) -> None:
        with migrator(fleet.admin_url) as connection:
            drop_schema(connection, max(fleet.schemas))

    report = fleet.migrate(extended(tmp_path, COLUMN), options=Options(workers=1), watch=Order(remove))
    assert report.complete
    assert max(fleet.schemas) not in fleet.revisions()


def test_schemas_of_a_newer_release_are_left_alone(fleet: Fleet, tmp_path: Path) -> None:
    fleet.migrate(extended(tmp_path, COLUMN))
    report = fleet.migrate(TENANT_HISTORY)
    assert (len(report.ahead), report.complete) == (6, True)
    assert set(fleet.revisions().values()) == {"9001"}


def test_two_runs_at_once_move_each_schema_once(fleet: Fleet, tmp_path: Path) -> None:
    history, reports = extended(tmp_path, COLUMN, EXPAND), []
    fleet.tenant("pool_01", 20)
    threads = [threading.Thread(target=lambda: reports.append(fleet.migrate(history))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.moved) for report in reports) == [0, 6]
    assert fleet.touches("pool_01") == {1: 20}


def test_a_run_that_waits_in_vain_for_another_says_so(fleet: Fleet, tmp_path: Path) -> None:
    with alone(fleet.admin_url, patience=1, watch=Silent()), pytest.raises(AnotherRun, match="still at work"):
        fleet.migrate(extended(tmp_path, COLUMN), options=Options(patience=0))


def test_each_database_keeps_its_versions_and_main_the_journal(fleet: Fleet, tmp_path: Path) -> None:
    with new_database(fleet.superuser_url) as (far_admin_url, far):
        urls = {"main": fleet.admin_url, "far": far_admin_url}
        first = migrate_fleet(urls, pools=2)
        assert (first.complete, first.unchanged) == (True, 6)
        tenant = fleet.tenant("pool_02", 3, database="far", on=far)
        report = migrate_fleet(urls, pools=2, history=extended(tmp_path, EXPAND))
        assert set(report.moved) == {*fleet.revisions(), "far/pool_01", "far/pool_02"}
        there = far.execute("SELECT database, schema_name, revision FROM control.schema_version").fetchall()
        assert set(there) == {("far", "pool_01", "9001"), ("far", "pool_02", "9001")}
        touched = "SELECT touched, count(*) FROM pool_02.product WHERE tenant_id = %s GROUP BY 1"
        assert far.execute(touched, (tenant,)).fetchall() == [(1, 3)]
        assert far.execute("SELECT count(*) FROM control.migration_run").fetchone() == (0,)
        steps = "SELECT count(*) FROM control.migration_step WHERE database = 'far' AND state = 'succeeded'"
        assert fleet.rows(steps) == [(2,)]


def test_a_worker_moves_stragglers_but_begins_no_release_by_itself(fleet: Fleet, tmp_path: Path, settings: Any) -> None:
    history = extended(tmp_path, COLUMN)
    urls = login_urls(fleet.superuser_url, urlsplit(fleet.superuser_url).path.lstrip("/"))
    own = replace(
        settings,
        database_url=urls["DATABASE_URL"],
        worker_database_url=urls["WORKER_DATABASE_URL"],
        database_admin_url=urls["DATABASE_ADMIN_URL"],
    )
    worker = build_runtime(own, as_worker=True)
    try:
        catch_up(worker, history)
        assert set(fleet.revisions().values()) == {TENANT_HISTORY.head}
        fleet.migrate(history)
        (late,) = fleet.add(1)
        assert fleet.revisions()[late] == TENANT_HISTORY.head
        catch_up(worker, history)
        assert set(fleet.revisions().values()) == {"9001"}
    finally:
        worker.databases.dispose()
        worker.redis.close()


def test_a_database_of_an_older_release_is_planned_and_brought_up(fleet: Fleet) -> None:
    fleet.superuser.execute(
        "DROP TABLE control.migration_step, control.migration_run, control.schema_work; "
        "UPDATE control.alembic_version SET version_num = '0001'"
    )
    plan = plan_fleet({"main": fleet.admin_url}, pools=2)
    assert (plan.control, plan.new_pools, plan.unchanged) == ({"main": "0001"}, (), 6)
    report = fleet.migrate(TENANT_HISTORY)
    assert (report.complete, report.unchanged) == (True, 6)
    assert fleet.rows("SELECT state FROM control.migration_run") == [("succeeded",)]
