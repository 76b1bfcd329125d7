"""Random kills of every process under mixed load: nothing promised is lost, nothing happens twice, all comes back."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.chaos.site import Site, eventually
from tests.chaos.town import Town
from tests.chaos.victims import Victims, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
# Where time is bounded, kills that did not fit are left out (seconds; 0: no bound).
BOUND = float(os.environ.get("CHAOS_SECONDS", "150"))
SHARES = {"horse": 30, "web": 20, "foreman": 20, "relay": 15, "valkey": 8, "backend": 4, "s3": 3}


class Killer:
    """Kills one process at a time, and plays the part of a service manager for the servers."""

    def __init__(self, site: Site, victims: Victims, dice: random.Random) -> None:
        self._site = site
        self._victims = victims
        self._dice = dice
        self.done: Counter[str] = Counter()
        self._ways: dict[str, Callable[[], bool]] = {
            "horse": lambda: self._one(victims.horses()),
            "web": self._web,
            "foreman": lambda: self._one(victims.foremen()),
            "relay": lambda: self._one(victims.relay()),
            "valkey": self._valkey,
            "backend": self._backend,
            "s3": self._s3,
        }

    def strike(self) -> bool:
        """Kill somebody; say whether anybody was there."""
        (name,) = self._dice.choices(list(SHARES), list(SHARES.values()))
        hit = self._ways[name]()
        self.done[name] += hit
        return hit

    def look_after_web(self) -> None:
        """Start the web server again when it gave up, as a service manager does."""
        if self._site.web.process.exit_code() is not None:
            self._site.start_web()
            self._site.web.wait_ready()
            self.done["web started again"] += 1

    def _one(self, pids: list[int]) -> bool:
        return bool(pids) and kill(self._dice.choice(pids))

    def _web(self) -> bool:
        return self._one(self._victims.web())

    def _valkey(self) -> bool:
        hit = kill(self._victims.valkey())
        self._site.revive(self._site.valkey)
        return hit

    def _backend(self) -> bool:
        hit = self._one(self._victims.backends())
        self._site.database_back()
        return hit

    def _s3(self) -> bool:
        hit = kill(self._victims.s3())
        self._site.revive(self._site.s3)
        return hit


def test_random_kills_lose_and_repeat_nothing(site: Site, town: Town, victims: Victims) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    dice = random.Random(seed)
    killer = Killer(site, victims, dice)
    began = time.monotonic()
    kills = 0
    with town.busy() as record:
        while kills < KILLS and not (BOUND and time.monotonic() - began > BOUND):
            time.sleep(dice.random() * 1.2)
            kills += killer.strike()
            killer.look_after_web()
        healed = time.monotonic()
        back = eventually(lambda: _served(town, healed, killer), within=30, what="success for every tenant")
    took = town.audit()
    print(
        f"seed {seed}: {kills} kills in {time.monotonic() - began:.0f} s {dict(killer.done)}; answers "
        f"{dict(record.statuses())}; every tenant served after {back:.1f} s, background done after {took:.1f} s"
    )
    assert kills >= min(KILLS, 50)


def _served(town: Town, since: float, killer: Killer) -> bool:
    # A web server takes a moment to give up, so the last kill may be seen only now.
    killer.look_after_web()
    wanted = {"GET /api/v1/products", "POST /api/v1/orders"}
    good = {a.what for a in town.record.since(since) if 200 <= a.status < 300}
    return wanted <= good
