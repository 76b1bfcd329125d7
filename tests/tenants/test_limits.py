"""Rates and quotas: exact under races, equal to a recount, and clear about what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.kit.desk import Usage
from tenants import quotas
from tenants.errors import LimitExceeded
from tenants.rate import RateLimiter
from tenants.tiers import load_tiers, tiers


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_tiers_are_those_of_the_contract() -> None:
    assert {(t.name, t.placement, t.rate, *t.limits.values()) for t in tiers().values()} == {
        ("basic", "pooled", 50, 100, 1000, 10),
        ("premium", "pooled", 100, 10_000, 100_000, 100),
        ("enterprise", "dedicated", 300, -1, -1, -1),
    }
    assert set(load_tiers()["basic"].features) == {"advanced_analytics", "custom_branding", "api_access"}


def test_a_burst_passes_then_the_rate_holds(runtime: Any, acme: Any) -> None:
    clock = Clock()
    limiter = RateLimiter(runtime.redis, clock)
    tier = acme.tenant.tier
    assert sum(limiter.check(acme.tenant).allowed for _ in range(tier.burst * 2)) == tier.burst
    passed = 0
    for _ in range(1000):
        clock.now += 0.01
        passed += sum(limiter.check(acme.tenant).allowed for _ in range(3))
    assert passed == pytest.approx(tier.rate * 10, rel=0.02)


def test_a_refusal_says_when_to_come_back(runtime: Any, acme: Any) -> None:
    clock = Clock()
    limiter = RateLimiter(runtime.redis, clock)
    while (verdict := limiter.check(acme.tenant)).allowed:
        pass
    assert verdict.retry_after >= 1
    clock.now += verdict.retry_after
    assert limiter.check(acme.tenant).allowed


def test_processes_share_one_rate(runtime: Any, acme: Any) -> None:
    """Two processes that exchange counts every 0.2 s let through one rate, and not two."""
    clock = Clock()
    limiters = [RateLimiter(runtime.redis, clock) for _ in range(2)]
    for limiter in limiters:
        limiter.check(acme.tenant)
        limiter.exchange()
    passed = 0
    for step in range(2000):
        clock.now += 0.01
        passed += sum(limiter.check(acme.tenant).allowed for limiter in limiters for _ in range(2))
        if step % 20 == 0:
            for limiter in limiters:
                limiter.exchange()
    assert passed == pytest.approx(acme.tenant.tier.rate * 20 + acme.tenant.tier.burst, rel=0.1)


def test_tenants_do_not_use_each_others_rate(runtime: Any, acme: Any, globex: Any) -> None:
    limiter = RateLimiter(runtime.redis, Clock())
    while limiter.check(acme.tenant).allowed:
        pass
    assert limiter.check(globex.tenant).allowed


def test_over_the_rate_the_answer_is_429_with_the_headers(app: Any, runtime: Any, acme: Any) -> None:
    client = acme.browser()
    for _ in range(acme.tenant.tier.burst + 20):
        answer = client.get("/api/v1/products")
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer.json["code"] == "rate.exceeded"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Limit"] == "50"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert int(answer.headers["RateLimit-Reset"]) >= 1


def _reserve(house: Any, metric: str) -> bool:
    try:
        with house.ctx() as ctx:
            quotas.reserve(ctx, metric)
    except LimitExceeded:
        return False
    return True


def test_twenty_at_once_for_the_last_place_give_exactly_one(acme: Any) -> None:
    with acme.ctx() as ctx:
        quotas.reserve(ctx, "products", acme.tenant.limit("products") - 1)
    with ThreadPoolExecutor(20) as pool:
        won = sum(pool.map(lambda _: _reserve(acme, "products"), range(20)))
    assert won == 1
    with acme.ctx() as ctx:
        assert quotas.quota(ctx, "products").left == 0


def test_a_full_quota_says_what_to_do(acme: Any) -> None:
    with acme.ctx() as ctx:
        quotas.reserve(ctx, "products", 100)
    with acme.ctx() as ctx, pytest.raises(LimitExceeded) as caught:
        quotas.reserve(ctx, "products")
    error = caught.value
    assert (error.status, error.code) == (402, "limit.exceeded")
    assert error.extra["limit"] == {"metric": "products", "limit": 100, "used": 100, "wanted": 1, "resets_at": None}
    assert error.extra["who_can_raise"] == ["owner", "admin"]
    assert error.extra["upgrade_url"].endswith(f"{acme.host}/settings/plan")
    assert "Premium" in str(error.detail)


def test_where_no_tier_has_more_the_answer_is_403(acme: Any) -> None:
    with acme.ctx() as ctx:
        largest = replace(ctx, tenant=replace(ctx.tenant, limits={"products": 5}, tier=tiers()["enterprise"]))
        error = quotas.exceeded(largest, "products", used=5)
    assert error.status == 403
    assert error.extra["who_can_raise"] == ["operator"]


def _reserve_too_many(house: Any) -> None:
    with house.ctx() as ctx:
        quotas.reserve(ctx, "orders", 5)
        quotas.reserve(ctx, "orders", 5000)


def test_a_rolled_back_reservation_leaves_no_trace(acme: Any) -> None:
    with acme.ctx() as ctx:
        quotas.reserve(ctx, "orders", 3)
    with pytest.raises(LimitExceeded):
        _reserve_too_many(acme)
    with acme.ctx() as ctx:
        quotas.release(ctx, "orders", 1)
        assert ctx.db.scalar(select(Usage.used).where(Usage.metric == "orders", Usage.tenant_id == acme.tenant.id)) == 2


def test_a_fresh_tenants_counters_equal_a_recount(acme: Any, initech: Any) -> None:
    for house in (acme, initech):
        with house.ctx() as ctx:
            assert quotas.recount(ctx) == {}
