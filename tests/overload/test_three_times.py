"""Three times as many requests as can be answered: as many as ever are, in time, and the important ones first.

What the installation can do is measured in the same run, and its bottleneck is a road to the database on which every
step takes long: neither the clients nor what else this machine does is then what is measured. How slow the machine is
at the moment, the answers to health tell, for which nobody waits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from stack.folder import DataFolder
from stack.proc import look, session_of
from stack.programs import Web
from tests.chaos.proxy import Proxy, Weather
from tests.overload.crush import MIX
from tests.world import PASSWORD, House, World

CHECKOUT = Path(__file__).parents[2]
LONG = bool(os.environ.get("CHAOS"))
SECONDS = 300.0 if LONG else 3.0
TIMES = 3
# Each step to the database takes so long, and each of two processes works on so many requests at once.
LATENCY, PERMITS = 0.04, 2
# What the clients may hold back of what they were to send: they must not be the bottleneck.
HELD_BACK = 0.1
# An export of no known format is admitted and then refused.
ANSWERED, SHED = (200, 303, 422), (429, 503)
GOODPUT, PATIENCE, RECOVERY = 0.8, 1.0, 10.0

Answers = list[dict[str, Any]]


class Site:
    """A web server behind a long road, and the clients."""

    def __init__(self, port: int, web: Web) -> None:
        self._port = port
        self._web = web
        self._clients = subprocess.Popen(
            [sys.executable, "-m", "tests.overload.crush"], cwd=CHECKOUT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def open(self, houses: list[House]) -> None:
        """Say where to send."""
        self._say({"port": self._port, "doors": [self._door(house) for house in houses]})

    def send(self, *, rate: float | None, seconds: float, clients: int) -> Answers:
        """Let so many clients send for so long."""
        self._say({"rate": rate, "seconds": seconds, "clients": clients})
        assert self._clients.stdout is not None
        answers: Answers = json.loads(self._clients.stdout.readline())
        return answers

    def close(self) -> None:
        """Send the clients home."""
        self._clients.communicate()

    def processes(self) -> list[int]:
        """Return the processes of the server."""
        leader = look(self._web.process.pid or 0)
        return sorted(seen.pid for seen in session_of(leader.pid, leader.started)) if leader else []

    def _say(self, order: dict[str, Any]) -> None:
        assert self._clients.stdin is not None
        self._clients.stdin.write(f"{json.dumps(order)}\n")
        self._clients.stdin.flush()

    def _door(self, house: House) -> list[str]:
        session, base = requests.Session(), f"http://127.0.0.1:{self._port}/api/v1"
        session.headers["Host"] = f"{house.host}:{self._port}"
        who = {"email": house.owner_email, "password": PASSWORD}
        token = session.post(f"{base}/auth/signin", json=who, timeout=10).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        product = {"name": "Stock", "sku": "STOCK", "price": "1.00", "currency": "EUR"}
        made = session.post(f"{base}/products", json=product, timeout=10).json()
        session.close()
        return [house.host, token, made["id"]]


@pytest.fixture
def site(settings: Any, world: World, tmp_path: Path) -> Iterator[Site]:
    """Return a server of two processes that can do little, with two tenants."""
    houses = [world.tenant(f"crush{number}", tier="premium") for number in range(2)]
    parts = urlsplit(settings.database_url)
    folder = DataFolder(tmp_path)
    port = folder.ports.get("web")
    with Proxy((parts.hostname or "", parts.port or 0)) as road:
        env = {name: value for name, value in os.environ.items() if "DATABASE" not in name} | {
            "DATABASE_URL": settings.database_url.replace(f":{parts.port}/", f":{road.port}/"),
            "REDIS_URL": settings.redis_url, "DB_POOL_SIZE": str(PERMITS), "SPARES": "0",
            "PORT": str(port), "BASE_URL": f"http://localhost:{port}", "DATA_DIR": str(tmp_path / "app"),
        }  # fmt: skip
        web = Web(folder, CHECKOUT, port)
        made = Site(port, web)
        try:
            web.start(env)
            web.wait_ready()
            made.open(houses)
            with road.bad(Weather(latency=LATENCY)):
                yield made
        finally:
            made.close()
            web.process.stop()


@pytest.mark.timeout(900)
def test_at_three_times_the_capacity_as_much_is_done_and_the_important_first(site: Site) -> None:
    warm = 10 if LONG else 1.5
    site.send(rate=None, seconds=0.5, clients=8)
    before = site.processes()
    peak = goodput(site.send(rate=None, seconds=warm, clients=8), warm)
    quiet = p95(site.send(rate=peak / 4, seconds=1, clients=4))

    answers = site.send(rate=TIMES * peak, seconds=SECONDS, clients=96)
    ended = time.monotonic()

    admitted, shed = [a for a in answers if is_admitted(a)], [a for a in answers if a["status"] in SHED]
    shares = {kind: share(answers, kind) for kind in MIX}
    noise = quantile([a for a in answers if a["kind"] == "health"], 0.99)
    print(
        f"peak {peak:.0f}/s, sent {len(answers) / SECONDS:.0f}/s, answered {goodput(answers, SECONDS):.0f}/s; "
        f"{dict(Counter(a['status'] for a in answers))}; p99 admitted {quantile(admitted, 0.99):.2f} s, "
        f"p50 shed {quantile(shed, 0.5) * 1000:.0f} ms, p99 health {noise * 1000:.0f} ms; admitted {shares}"
    )
    assert len(answers) >= (1 - HELD_BACK) * TIMES * peak * SECONDS
    assert quantile(answers, 0.95, "late") < HELD_BACK * SECONDS
    assert {a["status"] for a in answers} <= {*ANSWERED, *SHED}
    assert goodput(answers, SECONDS) >= GOODPUT * peak
    assert quantile(admitted, 0.99) <= PATIENCE + noise
    assert all(a["again"].isdigit() for a in shed)
    assert shares["health"] == 1
    assert shares["critical"] > 0.95 > shares["normal"] > shares["sheddable"]
    assert site.processes() == before
    while (again := p95(site.send(rate=peak / 4, seconds=1, clients=4))) > 2 * quiet:
        assert time.monotonic() - ended < RECOVERY, f"p95 {again:.3f} s, quiet {quiet:.3f} s"


def is_admitted(answer: dict[str, Any]) -> bool:
    """Say whether the request went through the gate and was worked on."""
    return answer["status"] in ANSWERED and answer["kind"] != "health"


def goodput(answers: Answers, seconds: float) -> float:
    """Return how many were worked on in a second."""
    return sum(map(is_admitted, answers)) / seconds


def share(answers: Answers, kind: str) -> float:
    """Return which part of a class was answered."""
    mine = [a for a in answers if a["kind"] == kind]
    return round(sum(a["status"] in ANSWERED for a in mine) / len(mine), 2)


def quantile(answers: Answers, part: float, of: str = "took") -> float:
    """Return what `part` of the answers took at the most."""
    values = sorted(a[of] for a in answers)
    return float(values[int(len(values) * part)])


def p95(answers: Answers) -> float:
    """Return what 95 of 100 of those took that were worked on."""
    return quantile([a for a in answers if is_admitted(a)], 0.95)
