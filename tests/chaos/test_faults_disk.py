"""The programs' disk is full: requests are served, uploads are told so, jobs wait, the log says what it lost."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import requests

from tests.chaos.load import Way
from tests.chaos.site import Site, eventually
from tests.chaos.town import Town
from tests.chaos.victims import Victims

FULL = 507
LAMPS = b"name,sku,price,currency\n" + b"Lamp,LAMP,9.00,EUR\n" * 10
NONE = resource.RLIM_INFINITY


@contextmanager
def full_disk(pids: list[int]) -> Iterator[None]:
    """Let no file of these processes grow, nor of those that they fork, while the block runs."""
    try:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (64, NONE))
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (NONE, NONE))


def _upload(way: Way, key: str) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{way.port}/api/v1/imports",
        headers={"Host": f"{way.host}:{way.port}", "Authorization": f"Bearer {way.token}", "Idempotency-Key": key},
        data={"resource": "products", "dry_run": "true"},
        files={"file": ("lamps.csv", LAMPS, "text/csv")},
        timeout=15,
    )


def test_f24_a_full_disk_stops_files_and_nothing_else(site: Site, town: Town, victims: Victims) -> None:
    way, key = town.houses[0].way, uuid4().hex
    written = len(_log(site))
    with town.busy() as record:
        time.sleep(1)
        with full_disk([*victims.web(), *victims.foremen(), *victims.relay()]):
            time.sleep(4)
            refused = _upload(way, key)
        eventually(lambda: b"lines were dropped" in _log(site)[written:], within=10, what="the count")
    assert (refused.status_code, refused.json()["code"]) == (FULL, "storage.full")
    assert set(record.statuses()) <= {200, 201, 202}, record.statuses()
    assert _upload(way, key).status_code == 202
    print(dict(record.statuses()), f"background after {town.audit(recovery=120):.1f} s")


def _log(site: Site) -> bytes:
    return site.web.process.log.read_bytes()
