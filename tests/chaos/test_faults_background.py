"""Workers, relay, object store and mail server killed, frozen or away: every job still ends, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable

from sqlalchemy import func, select

from app.kit.desk import Job
from tests.chaos.proxy import Weather
from tests.chaos.site import CHECKOUT, Site, eventually, frozen
from tests.chaos.town import Town
from tests.chaos.victims import Victims, kill

# A lease, and a little.
PAST_LEASE = 23.0


def _strike(town: Town, find: Callable[[], list[int]], *, times: int, pause: float) -> int:
    hit = 0
    with town.busy():
        for _ in range(times):
            time.sleep(pause * random.random() * 2)
            found = find()
            hit += bool(found) and kill(random.choice(found))
    return hit


def test_f10_killed_work_horses(site: Site, town: Town, victims: Victims) -> None:
    hit = _strike(town, victims.horses, times=40, pause=0.15)
    print(f"{hit} killed, background after {town.audit():.1f} s")
    assert hit > 5


def test_f11_killed_workers_with_their_work_horses(site: Site, town: Town, victims: Victims) -> None:
    with town.busy():
        for _ in range(5):
            time.sleep(1.2)
            for pid in [*victims.horses(), *victims.foremen()]:
                kill(pid)
    print(f"background after {town.audit():.1f} s")


def test_f12_a_killed_worker_whose_work_horse_goes_on(site: Site, town: Town, victims: Victims) -> None:
    hit = _strike(town, victims.foremen, times=8, pause=0.8)
    print(f"{hit} killed, background after {town.audit():.1f} s")


def test_f13_work_horses_frozen_past_their_lease(site: Site, town: Town, victims: Victims) -> None:
    with town.busy():
        time.sleep(2)
        asleep = victims.horses() + victims.foremen()
        with frozen(*asleep):
            time.sleep(1)
            # The supervisor waits for its children; another one takes over what they hold.
            command = [sys.executable, "worker.py"]
            second = subprocess.Popen(command, cwd=CHECKOUT, env={**site.env}, stderr=subprocess.DEVNULL)
            time.sleep(PAST_LEASE)
    try:
        print(f"background after {town.audit():.1f} s")
    finally:
        second.terminate()
        second.wait(30)


def test_f15_killed_relays_and_two_of_each(site: Site, town: Town, victims: Victims) -> None:
    command = [sys.executable, "worker.py", "relay"]
    log = open(os.devnull, "wb")  # noqa: SIM115 (closed below)
    second = subprocess.Popen(command, cwd=CHECKOUT, env={**site.env}, stdout=log, stderr=log)
    try:
        hit = _strike(town, victims.relay, times=6, pause=1.0)
        print(f"{hit} killed, background after {town.audit():.1f} s")
    finally:
        second.terminate()
        second.wait(30)
        log.close()


def test_f16_the_object_store_is_killed(site: Site, town: Town, victims: Victims) -> None:
    with town.busy():
        time.sleep(1)
        kill(victims.s3())
        time.sleep(3)
        site.revive(site.s3)
    print(f"background after {town.audit(recovery=120):.1f} s")


def test_f16_the_object_store_is_slow_and_cuts(site: Site, town: Town) -> None:
    proxy = site.proxies["s3"]
    with town.busy():
        with proxy.bad(Weather(latency=0.5, rate=20_000)):
            for _ in range(5):
                time.sleep(0.6)
                proxy.cut()
        with proxy.bad(Weather(refuse=True)):
            time.sleep(2)
    print(f"background after {town.audit(recovery=120):.1f} s")


def test_f20_the_mail_server_is_away_and_mail_waits(site: Site, town: Town) -> None:
    with site.proxies["mail"].bad(Weather(refuse=True)):
        with town.busy() as record:
            time.sleep(4)
        assert set(record.statuses()) <= {200, 201, 202}
        ids = [house.tenant.id for house in town.houses]
        with site.runtime.platform() as session:
            query = select(func.count()).select_from(Job).where(Job.tenant_id.in_(ids), Job.state == "failed")
            assert session.scalar(query) == 0
    print(f"background after {town.audit(recovery=120):.1f} s")


def test_f29_a_killed_fan_out_is_resumed_under_load(site: Site, town: Town) -> None:
    migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "tenants", "migrate"]
    with town.busy() as record:
        for _ in range(3):
            process = subprocess.Popen(
                migrate, cwd=CHECKOUT, env=site.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(1 + random.random() * 2)
            kill(process.pid)
            process.wait()
        done = subprocess.run(migrate, cwd=CHECKOUT, env=site.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert set(record.statuses()) <= {200, 201, 202}
    town.audit()


def test_f27_killed_web_workers_cost_their_own_requests_only(site: Site, town: Town, victims: Victims) -> None:
    with town.busy() as record:
        for _ in range(4):
            time.sleep(1)
            kill(random.choice(victims.web()))
            # Granian gives a worker that dies again at once up; here each has its time.
            eventually(lambda: len(victims.web()) >= 2, within=20, what="a new web worker")
            time.sleep(6)
    statuses = record.statuses()
    assert statuses[0] <= 4 * len(town.houses) * 2, statuses
    assert set(statuses) <= {0, 200, 201, 202}
    print(dict(statuses))
    town.audit()
