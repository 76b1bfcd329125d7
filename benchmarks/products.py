"""The authenticated list of fifty products, through the whole application, beside a bare view of the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.kit.clock import utcnow
from app.store.products import transfer
from benchmarks.bare import bare_app
from benchmarks.client import Answer, request
from benchmarks.figures import Figure
from benchmarks.rounds import compare, on_one_core
from benchmarks.site import Person, Site
from tenants.tenant import Tenant

BOUND = 1.35
PAGE = 50
_MANY = 500


def run(site: Site) -> list[Figure]:
    """Measure the processor time that the application itself needs for the list, for both kinds of tenant.

    The last figure has a floor that saves what few views save: it asks rows for nothing by name.
    """
    pooled, dedicated = (_furnished(site, tier) for tier in ("premium", "enterprise"))
    name = f"list of {PAGE} products, app CPU"
    return [
        _measure(site, f"{name}, pooled", *pooled, bound=BOUND),
        _measure(site, f"{name}, dedicated", *dedicated, bound=BOUND),
        _measure(site, f"{name}, leanest floor", *dedicated, by_position=True),
        _measure_one(site, *dedicated),
    ]


def _furnished(site: Site, tier: str) -> tuple[Tenant, Person]:
    tenant, owner = site.tenant(tier)
    fill(site, tenant, _MANY)
    return tenant, owner


def _measure(
    site: Site, name: str, tenant: Tenant, owner: Person, *, bound: float | None = None, by_position: bool = False
) -> Figure:
    listed = listing(site, tenant, owner)
    answer = listed()
    app, engine = bare_app(site.reader_url, tenant, answer.json["next_cursor"], by_position=by_position)
    bare = request(app, "GET", "/api/v1/products", host="bare.localhost", query_string={"limit": PAGE})
    if (answer.status, bare().body) != (200, answer.body):
        raise AssertionError("the floor does not answer what the application answers")
    try:
        with on_one_core():
            turns = compare(bare, listed, clock=time.process_time, count=20, rounds=25)
    finally:
        engine.dispose()
    return Figure(name, turns.measured * 1e6, "µs", turns.floor * 1e6, turns.ratio, bound)


def _measure_one(site: Site, tenant: Tenant, owner: Person) -> Figure:
    """Measure the reading of one product, where what surrounds the view weighs most."""
    path = f"/api/v1/products/{listing(site, tenant, owner)().json['items'][0]['id']}"
    headers = {"Authorization": f"Bearer {site.token(tenant, owner)}"}
    read = request(site.app, "GET", path, host=site.host(tenant), headers=headers)
    app, engine = bare_app(site.reader_url, tenant, None)
    bare = request(app, "GET", path, host="bare.localhost")
    if (read().status, read().json) != (200, bare().json):
        raise AssertionError("the floor does not answer what the application answers")
    try:
        with on_one_core():
            turns = compare(bare, read, clock=time.process_time, count=40, rounds=25)
    finally:
        engine.dispose()
    return Figure("reading one product, app CPU", turns.measured * 1e6, "µs", turns.floor * 1e6, turns.ratio)


def listing(site: Site, tenant: Tenant, owner: Person) -> Callable[[], Answer]:
    """Return a function that asks for the first page of products with the owner's token."""
    return request(
        site.app, "GET", "/api/v1/products", host=site.host(tenant), query_string={"limit": PAGE},
        headers={"Authorization": f"Bearer {site.token(tenant, owner)}"},
    )  # fmt: skip


def fill(site: Site, tenant: Tenant, count: int) -> None:
    """Put `count` products in, a hundred every hour, and let the planner know."""
    started = utcnow() - timedelta(days=30)
    for first in range(0, count, 100):
        with site.runtime.tenant(tenant, now=started + timedelta(hours=first)) as ctx:
            transfer.create_many(ctx, [_product(number) for number in range(first, first + 100)])
    site.analyze(tenant)


def _product(number: int) -> dict[str, Any]:
    return {
        "sku": f"NB-{number:05d}-H", "name": f"The Quiet Orchard, volume {number}", "type": "physical",
        "status": "active", "price_minor": 990 + number, "currency": "EUR", "inventory": 10_000_000,
        "category": ("Fiction", "Nature", "History")[number % 3], "description": "A walk through four seasons. " * 3,
    }  # fmt: skip
