"""Processes that exchange their counts let through one rate together, and overshoot by little."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tenants.rate import EXCHANGE, RateLimiter
from tenants.tenant import Tenant

STEP = 0.01


@dataclass
class Fleet:
    """Limiters of several processes on one clock that the test moves, each with a beat of its own."""

    redis: Any
    size: int
    now: float = 1000.0
    passed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = random.Random(7)
        self.limiters = [RateLimiter(self.redis, lambda: self.now) for _ in range(self.size)]
        self.due = [self.now + EXCHANGE * dice.random() for _ in self.limiters]

    def run(self, tenant: Tenant, *, seconds: float, offered: float) -> int:
        """Offer so many requests a second, spread over the processes; return how many passed."""
        before = len(self.passed)
        ends, credit = self.now + seconds, 0.0
        dice = random.Random(11)
        while self.now < ends:
            self.now += STEP
            credit += offered * STEP
            while credit >= 1:
                credit -= 1
                if dice.choice(self.limiters).check(tenant).allowed:
                    self.passed.append(self.now)
            for number, limiter in enumerate(self.limiters):
                if self.due[number] <= self.now:
                    limiter.exchange()
                    self.due[number] += EXCHANGE
        return len(self.passed) - before


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("times", [2, 20])
def test_processes_together_keep_the_rate_within_five_percent(runtime: Any, acme: Any, size: int, times: int) -> None:
    fleet, tier = Fleet(runtime.redis, size), acme.tenant.tier
    fleet.run(acme.tenant, seconds=5, offered=tier.rate * times)
    steady = fleet.run(acme.tenant, seconds=30, offered=tier.rate * times)
    fresh = len(fleet.passed) - steady
    overshoot = fresh - (tier.burst + tier.rate * 5)
    print(f"{size} processes, {times} × the rate: {steady / 30:.1f}/s of {tier.rate}, first overshoot {overshoot}")
    assert steady == pytest.approx(tier.rate * 30, rel=0.05)
    # Until the first exchange each process knows only itself.
    assert overshoot <= tier.burst * (size - 1) + tier.rate * EXCHANGE * size


def test_a_tenant_below_its_rate_is_never_refused(runtime: Any, acme: Any) -> None:
    fleet, tier = Fleet(runtime.redis, 4), acme.tenant.tier
    assert fleet.run(acme.tenant, seconds=20, offered=tier.rate * 0.9) == pytest.approx(tier.rate * 18, abs=2)


def test_with_redis_away_each_process_limits_alone(acme: Any) -> None:
    fleet = Fleet(None, 2)
    fleet.due = [float("inf")] * 2
    tier = acme.tenant.tier
    fleet.run(acme.tenant, seconds=5, offered=tier.rate * 20)
    alone = fleet.run(acme.tenant, seconds=10, offered=tier.rate * 20)
    assert alone == pytest.approx(tier.rate * 2 * 10, rel=0.05)
