"""Valkey killed, frozen, slow, emptied, read-only, full, and full of rubbish: nobody waits, nothing is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import requests

from tests.chaos.proxy import Weather
from tests.chaos.site import Site, eventually, frozen
from tests.chaos.town import Town
from tests.chaos.victims import Victims, kill

WARM = 3.0
# What a hanging Redis may add to the 95th percentile of answers (seconds).
ADDED = 0.06
_JOB_TOOK = 10.0


def _p95(town: Town, since: float, until: float) -> float:
    took = sorted(a.took for a in town.record.since(since) if a.at < until)
    return took[int(len(took) * 0.95)]


def _all_good(town: Town) -> None:
    assert set(town.record.statuses()) <= {200, 201, 202}, town.record.statuses()


def test_f07_without_redis_everything_is_served(site: Site, town: Town, victims: Victims) -> None:
    with town.busy() as record:
        time.sleep(1)
        kill(victims.valkey())
        time.sleep(4)
        ready = requests.get(f"http://127.0.0.1:{site.port}/health/ready", timeout=5)
        assert ready.status_code == 200
        site.revive(site.valkey)
        time.sleep(1)
    _all_good(town)
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f08_a_redis_that_hangs_costs_nearly_nothing(site: Site, town: Town, victims: Victims) -> None:
    _measure(town, frozen(victims.valkey()))


def test_f08_a_slow_redis_costs_nearly_nothing(site: Site, town: Town) -> None:
    _measure(town, site.proxies["redis"].bad(Weather(latency=2.0)))


def _measure(town: Town, trouble: contextlib.AbstractContextManager[None]) -> None:
    with town.busy() as record:
        time.sleep(1)
        quiet = time.monotonic()
        time.sleep(WARM)
        began = time.monotonic()
        with trouble:
            time.sleep(WARM * 2)
            ends = time.monotonic()
        time.sleep(1)
    before, during = _p95(town, quiet, began), _p95(town, began, ends)
    print(f"p95 {before * 1000:.0f} ms quiet, {during * 1000:.0f} ms in trouble", dict(record.statuses()))
    _all_good(town)
    assert during - before <= ADDED
    town.audit()


def test_f09_emptied_read_only_and_full(site: Site, town: Town) -> None:
    client = site.redis()
    with town.busy() as record:
        for trouble in (_emptied, _read_only, _full):
            time.sleep(0.5)
            with trouble(site):
                time.sleep(2)
    client.close()
    _all_good(town)
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


@contextlib.contextmanager
def _emptied(site: Site) -> Iterator[None]:
    with contextlib.closing(site.redis()) as client:
        for _ in range(10):
            client.flushall()
            time.sleep(0.1)
    yield


@contextlib.contextmanager
def _read_only(site: Site) -> Iterator[None]:
    with contextlib.closing(site.redis()) as client:
        # A replica of nobody: it refuses every write until it is told to lead again.
        client.replicaof("127.0.0.1", "1")
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextlib.contextmanager
def _full(site: Site) -> Iterator[None]:
    with contextlib.closing(site.redis()) as client:
        client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            client.config_set("maxmemory", "256mb")


def test_f32_rubbish_in_every_key_is_treated_as_nothing(site: Site, town: Town) -> None:
    with town.busy() as record, contextlib.closing(site.redis()) as client:
        for number in range(20):
            time.sleep(0.2)
            for key in client.scan_iter(count=1000):
                kind = client.type(key)
                if kind == b"string":
                    client.set(key, b"\x80\x04rubbish", keepttl=True)
                elif kind == b"hash":
                    client.hset(key, "data", b"\x80\x04rubbish")
            client.publish("terrace:tenant-changed", b"rubbish")
            client.lpush("rq:queue:default", f"nobody-{number}")
    _all_good(town)
    print(dict(record.statuses()), f"background after {town.audit():.1f} s")


def test_f37_a_cold_start_of_every_cache_at_once(site: Site, town: Town) -> None:
    with town.busy(clients=6) as record:
        time.sleep(1)
        with contextlib.closing(site.redis()) as client:
            client.flushall()
        for pid in Victims(site).web():
            kill(pid)
        began = time.monotonic()
        time.sleep(3)
        if site.web.process.exit_code() is not None:
            site.start_web()
        eventually(lambda: len(record.since(time.monotonic() - 2)) > 20, within=30, what="many answers")
    back = [a for a in record.since(began + 10) if a.status == 200]
    assert not back or max(a.took for a in back) < _JOB_TOOK
    town.audit()
