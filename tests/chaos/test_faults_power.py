"""The power goes: what was confirmed is in PostgreSQL, and with it everything comes back, with or without Redis."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.folder import DataFolder
from stack.postgres import Postgres
from tenants.inspection import durability
from tests.chaos.power import Power, tear_log
from tests.chaos.site import Site
from tests.chaos.town import Town
from tests.chaos.victims import Victims, kill

ROWS = 300


@pytest.fixture
def server() -> Iterator[tuple[Postgres, Path]]:
    """Return a PostgreSQL server of its own and the folder of its data."""
    root = Path(tempfile.mkdtemp(prefix="terrace-power-"))
    root.chmod(0o711)
    made = Postgres(DataFolder(root / "data"))
    try:
        made.start()
        made.wait_ready()
        yield made, root / "data" / "postgres"
    finally:
        made.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("synchronous", ["on", "off"])
def test_f36_what_was_confirmed_is_there_and_what_was_not_may_be_gone(
    server: tuple[Postgres, Path], synchronous: str
) -> None:
    postgres, base = server
    power, url = Power(postgres, base), postgres.env()["DATABASE_SUPERUSER_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE fact (id int PRIMARY KEY, text text)")
        connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        connection.execute("SELECT pg_reload_conf()")
        power.checkpoint(connection)
        connection.execute(f"SET synchronous_commit = {synchronous}")  # type: ignore[arg-type]
        for number in range(ROWS):
            connection.execute("INSERT INTO fact VALUES (%s, repeat('x', 500))", [number])
        power.note_flushed(connection)
    power.cut(random.Random(36))
    postgres.start()
    postgres.wait_ready()
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT id FROM fact ORDER BY id").fetchall()
        assert durability(connection) == []
    # What is there is a beginning of what was written; only who waits for the disk has all of it.
    assert [number for (number,) in found] == list(range(len(found)))
    assert (len(found) == ROWS) == (synchronous == "on")


@pytest.mark.parametrize("redis", ["whole", "torn", "empty"])
def test_f36_a_power_cut_under_load_loses_nothing_that_was_promised(
    site: Site, town: Town, victims: Victims, redis: str
) -> None:
    seed = random.SystemRandom().randrange(1, 1 << 30)
    power = Power(site.postgres, site.root / "postgres")
    with site.superuser() as connection:
        power.checkpoint(connection)
        with town.busy() as record:
            time.sleep(4)
        # Every client has its answer; the background is still at work, and may lose what it did from here on.
        power.note_flushed(connection)
    kill(victims.valkey())
    lost = power.cut(random.Random(seed))
    if redis == "torn":
        tear_log(site.root / "valkey", 100)
    elif redis == "empty":
        shutil.rmtree(site.root / "valkey" / "appendonlydir")
    site.revive(site.valkey)
    site.revive(site.postgres)
    site.database_back()
    print(f"seed {seed}: {lost} half pages lost", dict(record.statuses()), f"background after {town.audit():.1f} s")
    _look_at_every_row(site)


def _look_at_every_row(site: Site) -> None:
    """Read each table by its rows and each index by its order: a torn page would be found by its checksum."""
    with site.superuser() as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        checked = connection.execute(
            "SELECT count(bt_index_check(c.oid, true)) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p'"
        ).fetchone()
    assert checked is not None
    assert int(checked[0]) > 100
