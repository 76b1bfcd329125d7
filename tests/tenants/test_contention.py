"""Deadlocks, clashes and long waits for a lock: a request is done once, or not at all and says when to come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tenants import quotas
from tenants.retries import TRIES_AFTER_CLASH
from tests.rival import Rival
from tests.world import Api, House

LEFT = 50


COUNTERS = "SELECT FROM desk.usage WHERE tenant_id = %s FOR UPDATE"
COUNTERS_CHANGED = "UPDATE desk.usage SET used = used WHERE tenant_id = %s"
PRODUCTS = "SELECT FROM {}.product WHERE tenant_id = %s FOR UPDATE"


@dataclass
class Shop:
    """A tenant with one product, a way in, and a rival."""

    house: House
    api: Api
    product: str
    rival: Rival
    threads: ThreadPoolExecutor

    def order(self, key: str = "") -> Future[Any]:
        """Place an order from another thread."""
        body = {"customer_email": "ada@brook.example", "items": [{"product_id": self.product, "quantity": 1}]}
        headers = {"Idempotency-Key": key or uuid4().hex}
        return self.threads.submit(self.api.post, "/orders", json=body, headers=headers)

    def lock(self, what: LiteralString) -> None:
        """Let the rival lock rows. Orders lock products first and counters then."""
        self.rival.run(what, self.house.tenant.id)

    def deadlock(self) -> None:
        """Make one deadlock with a request that is on its way, and win it."""
        self.rival.wait_for_other()
        self.lock(PRODUCTS)

    def placed(self) -> tuple[int, int]:
        """Return how many orders there are and how much stock is gone."""
        left: int = self.api.get(f"/products/{self.product}").json["inventory"]
        return len(self.api.get("/orders").json["items"]), LEFT - left


@pytest.fixture
def shop(acme: House, superuser_url: str) -> Iterator[Shop]:
    api = acme.api()
    body = {"name": "Lamp", "sku": "L", "price": "9.00", "currency": "EUR", "inventory": LEFT}
    product = api.post("/products", json=body).json["id"]
    with closing(Rival(superuser_url, str(acme.tenant.schema))) as rival, ThreadPoolExecutor(4) as threads:
        found = Shop(acme, api, product, rival, threads)
        # The counter has a row from the first order on.
        assert found.order().result().status_code == 201
        yield found


def test_an_order_that_loses_a_deadlock_is_placed_at_the_second_try(shop: Shop) -> None:
    shop.lock(COUNTERS)
    order = shop.order("once")
    shop.deadlock()
    shop.rival.let_go()
    assert order.result().status_code == 201
    assert shop.placed() == (2, 2)
    again = shop.order("once").result()
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (order.result().json["id"], "true")
    assert shop.placed() == (2, 2)


def test_a_change_without_a_key_is_tried_again_as_well(shop: Shop) -> None:
    shop.lock(COUNTERS)
    archived = shop.threads.submit(shop.api.delete, f"/products/{shop.product}")
    shop.deadlock()
    shop.rival.let_go()
    assert archived.result().status_code == 204
    with shop.house.ctx() as ctx:
        assert quotas.recount(ctx) == {}


def test_an_order_that_loses_every_deadlock_is_503_and_was_not_placed(shop: Shop) -> None:
    key = uuid4().hex
    shop.lock(COUNTERS)
    order = shop.order(key)
    for _ in range(TRIES_AFTER_CLASH):
        # Afterwards the products alone are given back, so that the next try meets the counter locked again.
        with shop.rival.back_again():
            shop.deadlock()
    _say_later(order.result())
    shop.rival.let_go()
    assert shop.placed() == (1, 1)
    assert shop.order(key).result().status_code == 201
    assert shop.placed() == (2, 2)


def test_an_order_behind_a_lock_that_stays_is_503_and_was_not_placed(shop: Shop) -> None:
    key = uuid4().hex
    shop.lock(PRODUCTS)
    _say_later(shop.order(key).result())
    shop.rival.let_go()
    assert shop.placed() == (1, 1)
    assert shop.order(key).result().status_code == 201


def test_a_twin_of_an_order_that_waits_is_told_so(shop: Shop) -> None:
    shop.lock(PRODUCTS)
    first = shop.order("twin")
    shop.rival.wait_for_other()
    twin = shop.order("twin")
    statuses = {first.result().status_code, twin.result().status_code}
    assert statuses <= {409, 503}
    assert {answer.result().headers["Retry-After"] for answer in (first, twin)} <= {"1", "2"}
    shop.rival.let_go()
    assert shop.placed() == (1, 1)


def test_a_page_that_waits_too_long_says_so_and_keeps_nothing(shop: Shop) -> None:
    window = shop.house.signed_in()
    fields = {"rows": "3", "customer_email": "ada@brook.example", "sku-0": "l", "quantity-0": "1"}
    shop.lock(PRODUCTS)
    answer = window.submit("/orders/new", fields)
    shop.rival.let_go()
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"] == "2"
    assert answer.mimetype == "text/html"
    assert shop.placed() == (1, 1)


@pytest.fixture
def strict(shop: Shop, superuser_url: str) -> Iterator[Shop]:
    """Return the shop on a database whose transactions see one moment only, as an operator may choose."""
    name = sql.Identifier(superuser_url.rpartition("/")[2])
    set_to = "ALTER ROLE terrace_app IN DATABASE {} SET default_transaction_isolation = 'repeatable read'"
    engines = shop.house.world.runtime.databases
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL(set_to).format(name))
        engines.dispose()
        yield shop
        connection.execute(sql.SQL("ALTER ROLE terrace_app IN DATABASE {} RESET ALL").format(name))
    engines.dispose()


def test_an_order_whose_rows_changed_under_it_is_placed_at_the_second_try(strict: Shop) -> None:
    strict.lock(COUNTERS_CHANGED)
    order = strict.order("clash")
    strict.rival.wait_for_other()
    strict.rival.let_go()
    assert order.result().status_code == 201
    assert strict.placed() == (2, 2)


def test_orders_cancellations_and_archiving_at_once_are_never_5xx(shop: Shop) -> None:
    acts: list[Callable[[], Any]] = []
    for number in range(6):
        placed = shop.order().result().json["id"]
        acts += [
            lambda: shop.order().result(),
            lambda placed=placed: shop.api.post(f"/orders/{placed}/transitions", json={"to": "cancelled"}),  # type: ignore[misc]
            lambda number=number: shop.api.patch(f"/products/{shop.product}", json={"name": f"Lamp {number}"}),  # type: ignore[misc]
        ]
    with ThreadPoolExecutor(6) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda act: act(), acts)]
    assert max(statuses) < 500
    orders, gone = shop.placed()
    cancelled = len(shop.api.get("/orders?status=cancelled").json["items"])
    assert gone == orders - cancelled


def _say_later(answer: Any) -> None:
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["code"] == "unavailable"
