"""Processes that exchange their counts let through one rate together, and each its part when they cannot."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis, RedisError

from app.kit.redis_client import connect
from tenants.rate import EXCHANGE, RateLimiter
from tenants.tenant import Tenant
from tests.overload.test_admission import until

STEP = 0.01


@pytest.fixture
def redis(settings: Any) -> Iterator[Redis]:
    """Return a Redis database in which the application of these tests does not exchange."""
    client = connect(f"{settings.redis_url.rpartition('/')[0]}/15")
    client.flushdb()
    yield client
    client.close()


@dataclass
class Fleet:
    """Limiters of several processes on one clock that the test moves, each with a beat of its own."""

    redis: Redis
    size: int
    now: float = 1000.0
    passed: list[float] = field(default_factory=list)
    nowhere: Any = field(default_factory=lambda: connect("redis://127.0.0.1:1/0"))

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
                    with suppress(RedisError):
                        limiter.exchange()
                    self.due[number] += EXCHANGE
        return len(self.passed) - before

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Lead all to a place where no Redis is while the block runs."""
        for limiter in self.limiters:
            limiter._redis = self.nowhere
        yield
        for limiter in self.limiters:
            limiter._redis = self.redis


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("times", [2, 20])
def test_processes_together_keep_the_rate_within_five_percent(redis: Redis, acme: Any, size: int, times: int) -> None:
    fleet, tier = Fleet(redis, size), acme.tenant.tier
    fleet.run(acme.tenant, seconds=5, offered=tier.rate * times)
    steady = fleet.run(acme.tenant, seconds=30, offered=tier.rate * times)
    fresh = len(fleet.passed) - steady
    overshoot = fresh - (tier.burst + tier.rate * 5)
    print(f"{size} processes, {times} × the rate: {steady / 30:.1f}/s of {tier.rate}, first overshoot {overshoot}")
    assert steady == pytest.approx(tier.rate * 30, rel=0.05)
    # Until the first exchange each process knows only itself.
    assert overshoot <= tier.burst * (size - 1) + tier.rate * EXCHANGE * size


def test_a_tenant_below_its_rate_is_never_refused(redis: Redis, acme: Any) -> None:
    fleet, tier = Fleet(redis, 4), acme.tenant.tier
    assert fleet.run(acme.tenant, seconds=20, offered=tier.rate * 0.9) == pytest.approx(tier.rate * 18, abs=2)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_with_redis_away_all_together_keep_the_rate_and_come_back_to_one_count(
    redis: Redis, acme: Any, size: int
) -> None:
    fleet, tier = Fleet(redis, size), acme.tenant.tier
    offered = tier.rate * 20
    fleet.run(acme.tenant, seconds=5, offered=offered)
    with fleet.without_redis():
        # Until its first exchange fails, a process does not know.
        first = fleet.run(acme.tenant, seconds=EXCHANGE, offered=offered)
        alone = fleet.run(acme.tenant, seconds=30, offered=offered)
    assert first <= tier.rate * EXCHANGE * (size + 1) + 1
    assert alone == pytest.approx(tier.rate * 30, rel=0.05)
    # One beat later nobody limits at a part any more, and what passed meanwhile is held against nobody.
    fleet.run(acme.tenant, seconds=EXCHANGE, offered=offered)
    assert {limiter._parts for limiter in fleet.limiters} == {1}
    assert fleet.run(acme.tenant, seconds=30, offered=offered) == pytest.approx(tier.rate * 30, rel=0.05)


def test_a_redis_that_comes_back_with_its_counts_locks_nobody_out(redis: Redis, acme: Any) -> None:
    fleet, tier = Fleet(redis, 2), acme.tenant.tier
    fleet.run(acme.tenant, seconds=2, offered=tier.rate * 20)
    cut_off, others = fleet.limiters[0], fleet.limiters[1:]
    cut_off._redis = fleet.nowhere
    fleet.run(acme.tenant, seconds=60, offered=tier.rate)
    cut_off._redis = redis
    before = cut_off._buckets[acme.tenant.id].tat
    for limiter in (cut_off, *others):
        limiter.exchange()
    assert cut_off._buckets[acme.tenant.id].tat <= max(before, fleet.now)


def test_a_process_that_ended_is_soon_not_counted(redis: Redis, acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.rate.GONE", 1)
    fleet = Fleet(redis, 3)
    for limiter in fleet.limiters:
        limiter.exchange()
    assert fleet.limiters[2]._processes == 3

    def is_alone() -> bool:
        fleet.limiters[2].exchange()
        return fleet.limiters[2]._processes == 1

    until(is_alone)


def test_with_redis_away_from_the_start_a_process_keeps_the_rate(redis: Redis, acme: Any) -> None:
    fleet, tier = Fleet(redis, 1), acme.tenant.tier
    with fleet.without_redis():
        fleet.run(acme.tenant, seconds=5, offered=tier.rate * 20)
        assert fleet.run(acme.tenant, seconds=10, offered=tier.rate * 20) == pytest.approx(tier.rate * 10, rel=0.05)
