"""Indexes built concurrently and rows changed in pages: cut off, held up and taken up again."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import psycopg
import pytest

from tenants.migration.declared import Batch
from tenants.migration.lanes import Left, run_batch
from tenants.migration.options import Options
from tenants.schemas import migrator
from tests.tenants.migration.fleet import Fleet
from tests.tenants.migration.revisions import COLUMN, EXPAND, extended

DONE = "SELECT count(*) FROM control.schema_work WHERE state = 'waiting'"


def test_an_index_that_was_cut_off_is_dropped_and_built_again(fleet: Fleet, tmp_path: Path) -> None:
    history, schema = extended(tmp_path, EXPAND), fleet.schemas[0]
    fleet.migrate(history)
    fleet.superuser.execute("UPDATE control.schema_work SET state = 'waiting' WHERE kind = 'index'")
    index = f"'\"{schema}\".ix_product_touched'::regclass"
    fleet.superuser.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = {index}".encode())
    kept = fleet.rows("SELECT 'pool_01.ix_product_touched'::regclass::oid")
    report = fleet.migrate(history)
    assert (len(report.moved), report.complete) == (6, True)
    assert fleet.has_index(schema, "ix_product_touched")
    assert fleet.rows("SELECT 'pool_01.ix_product_touched'::regclass::oid") == kept
    assert fleet.rows(DONE) == [(0,)]


def test_an_index_waits_for_long_transactions_while_the_table_is_written(fleet: Fleet, tmp_path: Path) -> None:
    history, tenant = extended(tmp_path, EXPAND), fleet.tenant("pool_01", 5)
    with psycopg.connect(fleet.superuser_url) as writer:
        # Its snapshot is in the way of the index; it holds no lock that would be in the way of the DDL.
        writer.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        writer.execute("SELECT count(*) FROM pool_01.workspace")
        run = threading.Thread(target=fleet.migrate, args=(history,))
        run.start()
        _until(fleet, "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'")
        fleet.superuser.execute("UPDATE pool_01.product SET name = 'Written meanwhile' WHERE tenant_id = %s", (tenant,))
        writer.rollback()
        run.join()
    assert fleet.has_index("pool_01", "ix_product_touched")
    assert fleet.rows("SELECT DISTINCT name FROM pool_01.product") == [("Written meanwhile",)]


def _until(fleet: Fleet, query: str) -> None:
    pause = threading.Event()
    for _ in range(500):
        if fleet.rows(query) != [(0,)]:
            return
        pause.wait(0.02)
    pytest.fail(f"never: {query}")


def test_a_batch_that_is_stopped_goes_on_at_the_page_it_reached(fleet: Fleet, tmp_path: Path) -> None:
    history = extended(tmp_path, EXPAND)
    fleet.migrate(history)
    tenants = sorted(fleet.tenant("pool_01", 20) for _ in range(3))
    key = ("main", "pool_01", "9001", "count_touches")
    fleet.superuser.execute(
        "UPDATE control.schema_work SET state = 'waiting', at_tenant = NULL, at_row = NULL, rows_seen = 0, "
        "rows_changed = 0 WHERE (database, schema_name, revision, name) = (%s, %s, %s, %s)",
        key,
    )
    work = Batch("count_touches", "product", "touched = touched + 1", size=7, rest=0)
    left = Left(*key[:3], work)

    def go_on() -> bool:
        # Stopped after a page, as if the process had ended.
        asked = itertools.chain([False], itertools.repeat(True))
        with migrator(fleet.admin_url) as connection:
            return run_batch(connection, left, lambda after: [t for t in tenants if not after or t > after], Options(),
                             lambda: next(asked))  # fmt: skip

    ends = list(iter(go_on, True))
    assert len(ends) > 3
    assert fleet.touches("pool_01") == {1: 60}
    assert fleet.rows("SELECT rows_seen, rows_changed FROM control.schema_work WHERE schema_name = 'pool_01' "
                      "AND kind = 'batch'") == [(60, 60)]  # fmt: skip


def test_the_next_revision_waits_until_the_work_of_the_one_before_is_done(fleet: Fleet, tmp_path: Path) -> None:
    needs = (
        '\n\nphase = "contract"\n\n\ndef upgrade():\n    op.execute("ALTER TABLE product ADD CHECK (touched = 1)")\n'
    )
    history = extended(tmp_path, EXPAND, needs, COLUMN)
    fleet.tenant("pool_01", 40)
    report = fleet.migrate(history)
    assert report.complete, report.failed
    assert set(fleet.revisions().values()) == {"9003"}


def test_work_that_the_code_no_longer_declares_is_a_failure_with_a_reason(fleet: Fleet, tmp_path: Path) -> None:
    fleet.migrate(extended(tmp_path / "a", EXPAND))
    fleet.superuser.execute("UPDATE control.schema_work SET state = 'waiting' WHERE schema_name = 'pool_01'")
    report = fleet.migrate(extended(tmp_path / "b", EXPAND.replace("count_touches", "other")))
    assert report.failed == {"pool_01": "revision 9001 no longer declares count_touches, which was begun"}
