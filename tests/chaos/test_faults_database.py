"""PostgreSQL killed, restarted, frozen, unreachable, out of connections: 503 at worst, then all is well by itself."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress

import psycopg
import requests

from tests.chaos.model import UNAVAILABLE
from tests.chaos.proxy import Weather
from tests.chaos.site import Site, eventually, frozen
from tests.chaos.town import Town
from tests.chaos.victims import Victims, family, kill

# From the moment PostgreSQL takes connections to the first success, and for an answer while it hangs (seconds).
BACK, ANSWER = 2.0, 2.0
WARM = 1.5


def _first_success(site: Site, town: Town) -> float:
    """Wait for PostgreSQL, then for the first success, and return the seconds between the two."""
    site.database_back()
    accepts = time.monotonic()
    eventually(lambda: town.record.first_success_after(accepts) is not None, within=30, what="a success")
    return town.record.first_success_after(accepts) or 0.0


def test_f01_a_killed_backend_costs_503s_and_nothing_else(site: Site, town: Town, victims: Victims) -> None:
    with town.busy() as record:
        for _ in range(3):
            time.sleep(WARM)
            kill(random.choice(victims.backends()))
            assert _first_success(site, town) <= BACK
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f01_readiness_flips_and_comes_back(site: Site, town: Town) -> None:
    with town.busy():
        site.postgres.process.ask()
        eventually(lambda: _ready(site) == UNAVAILABLE, within=10, what="unreadiness")
        assert _live(site) == 200
        site.revive(site.postgres)
        assert eventually(lambda: _ready(site) == 200, within=10, what="readiness") <= BACK + 1.0
    town.audit()


def test_f02_a_restart_in_the_middle_of_requests_loses_nothing(site: Site, town: Town) -> None:
    with town.busy() as record:
        # Fast shutdown, then immediate: the second leaves the log to be replayed.
        for how in (signal.SIGINT, signal.SIGQUIT):
            time.sleep(WARM)
            kill(site.postgres.process.pid or 0, how)
            eventually(lambda: site.postgres.process.exit_code() is not None, within=20, what="the end of PostgreSQL")
            site.revive(site.postgres)
            assert _first_success(site, town) <= BACK
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f03_the_first_process_is_killed(site: Site, town: Town, victims: Victims) -> None:
    with town.busy() as record:
        time.sleep(WARM)
        kill(victims.postmaster())
        eventually(lambda: site.postgres.process.exit_code() is not None, within=20, what="the end of PostgreSQL")
        site.revive(site.postgres)
        assert _first_success(site, town) <= BACK
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f04_a_database_that_hangs_is_answered_with_503_in_time(site: Site, town: Town) -> None:
    with town.busy() as record:
        time.sleep(WARM)
        began = time.monotonic()
        with frozen(*family(site.postgres.process.pid or 0)):
            time.sleep(6)
            assert _live(site) == 200
            assert _ready(site) == UNAVAILABLE
        ends = time.monotonic()
        eventually(lambda: record.first_success_after(ends) is not None, within=20, what="a success")
        assert (record.first_success_after(ends) or 0.0) <= BACK
    hung = [a for a in record.since(began) if a.at < ends - ANSWER]
    late = [a for a in hung if a.took > ANSWER]
    assert [a.status for a in late] == []
    assert {a.status for a in hung} <= {200, 201, 202, UNAVAILABLE}
    print(f"longest answer {max(a.took for a in hung):.2f} s", f"background after {town.audit():.1f} s")


def test_f04_a_road_on_which_packets_vanish(site: Site, town: Town) -> None:
    with town.busy() as record:
        time.sleep(WARM)
        began = time.monotonic()
        with site.proxies["database"].bad(Weather(mute=True)):
            time.sleep(5)
        ends = time.monotonic()
        eventually(lambda: record.first_success_after(ends) is not None, within=20, what="a success")
        assert (record.first_success_after(ends) or 0.0) <= BACK
    assert [a.took for a in record.since(began) if a.at < ends - ANSWER and a.took > ANSWER] == []
    town.audit()


def test_f05_without_connections_the_answer_is_503_and_then_all_is_well(site: Site, town: Town) -> None:
    held: list[psycopg.Connection[object]] = []
    with town.busy() as record:
        time.sleep(WARM)
        # What is idle is cut off first, so that the application has to come back to a full house.
        with suppress(psycopg.OperationalError):
            while len(held) < 200:
                held.append(site.superuser())
        site.proxies["database"].cut()
        time.sleep(3)
        for connection in held:
            connection.close()
        ends = time.monotonic()
        eventually(lambda: record.first_success_after(ends) is not None, within=20, what="a success")
        assert (record.first_success_after(ends) or 0.0) <= BACK
    print(f"{len(held)} connections were held", dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f26_cut_and_half_closed_connections_end_their_transactions(site: Site, town: Town) -> None:
    with town.busy() as record:
        for _ in range(10):
            time.sleep(0.4)
            site.proxies["database"].cut()
            time.sleep(0.4)
            site.proxies["database"].half_close()
        eventually(lambda: _idle_in_transaction(site) == 0, within=30, what="the end of orphaned transactions")
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def _idle_in_transaction(site: Site) -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '5 s'"
    )
    with site.superuser() as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _ready(site: Site) -> int:
    return requests.get(f"http://127.0.0.1:{site.port}/health/ready", timeout=10).status_code


def _live(site: Site) -> int:
    return requests.get(f"http://127.0.0.1:{site.port}/health/live", timeout=2).status_code
