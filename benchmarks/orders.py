"""Placing an order over the API, beside the very statements that it sends, replayed through a bare connection."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import event

from app.kit.ids import new_id
from benchmarks.client import Answer, request
from benchmarks.figures import Figure
from benchmarks.products import fill, listing
from benchmarks.rounds import compare, on_one_core
from benchmarks.site import Person, Site
from tenants.tenant import Tenant

_LINES = 3
# What is new in every order: without these a replay would break a unique key, or change nothing.
_FRESH_TEXTS = frozenset({"scope", "scope_1"})
_FRESH_IDS = frozenset({"id", "order_id", "aggregate_id"})

Sent = tuple[str, Any]


def run(site: Site) -> list[Figure]:
    """Measure the processor time of the application, for an order of three lines that takes stock."""
    tenant, owner = site.tenant("enterprise")
    fill(site, tenant, 100)
    products = [item["id"] for item in listing(site, tenant, owner)().json["items"][:_LINES]]
    token, place = site.token(tenant, owner), placing(site, tenant, owner, products)
    first = place()
    if first.status != 201:
        raise AssertionError(f"the order was refused: {first.body!r}")
    with _statements(site) as sent:
        place()
    # Not part of what is measured: making the request, which a client does.
    orders = iter([_order(site, tenant, token, products) for _ in range(2000)])

    def place_next() -> None:
        next(orders)()

    with psycopg.connect(site.settings.database_url, autocommit=True, prepare_threshold=None) as connection:
        replay = Replay(connection, tenant, sent)
        with on_one_core():
            turns = compare(replay.once, place_next, clock=time.process_time, count=15, rounds=21)
    return [Figure("placing an order, app CPU", turns.measured * 1e6, "µs", turns.floor * 1e6, turns.ratio)]


def placing(site: Site, tenant: Tenant, owner: Person, products: list[str]) -> Callable[[], Answer]:
    """Return a function that places a new order each time, with the owner's token."""
    token = site.token(tenant, owner)

    def place() -> Answer:
        return _order(site, tenant, token, products)()

    return place


def _order(site: Site, tenant: Tenant, token: str, products: list[str]) -> Callable[[], Answer]:
    return request(
        site.app, "POST", "/api/v1/orders", host=site.host(tenant),
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(8)},
        json={"customer_email": "ada@brook.example", "items": [{"product_id": p, "quantity": 1} for p in products]},
    )  # fmt: skip


@contextmanager
def _statements(site: Site) -> Iterator[list[Sent]]:
    """Give the list of the statements that are sent inside the block."""
    found: list[Sent] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        found.append((statement, values))

    engine = site.runtime.databases.engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Replay:
    """Sends the statements of one order again, as another order."""

    def __init__(self, connection: psycopg.Connection[Any], tenant: Tenant, sent: list[Sent]) -> None:
        self._connection = connection
        self._binding = tenant.binding.sql
        self._sent = sent
        # The products that the order names keep their ids; everything that it made gets new ones.
        self._new = {
            value
            for statement, values in sent
            if statement.startswith("INSERT")
            for row in (values if isinstance(values, list) else [values])
            for name, value in row.items()
            if name in _FRESH_IDS
        }

    def once(self) -> None:
        """Place one more order."""
        ids = {value: new_id() for value in self._new}
        scope, seen = secrets.token_hex(32), {"number": 0, "version": 0}
        self._connection.execute(self._binding)
        with self._connection.cursor() as cursor:
            for statement, values in self._sent:
                if isinstance(values, list):
                    cursor.executemany(statement, [self._fresh(row, ids, scope, seen) for row in values])
                    continue
                cursor.execute(statement, self._fresh(values, ids, scope, seen))
                self._note(statement, cursor, seen)
        self._connection.commit()

    @staticmethod
    def _fresh(row: dict[str, Any], ids: dict[UUID, UUID], scope: str, seen: dict[str, int]) -> dict[str, Any]:
        found = {name: ids.get(value, value) if isinstance(value, UUID) else value for name, value in row.items()}
        for name in _FRESH_TEXTS & found.keys():
            found[name] = scope
        if "number" in found:
            found["number"] = seen["number"]
        if "product_row_version" in found:
            found |= {"product_row_version": seen["version"], "row_version": seen["version"] + 1}
        return found

    @staticmethod
    def _note(statement: str, cursor: psycopg.Cursor[Any], seen: dict[str, int]) -> None:
        if statement.startswith("UPDATE product") and cursor.rowcount != 1:
            raise AssertionError("the replay changed no product")
        if cursor.description is None:
            return
        rows = cursor.fetchall()
        if statement.startswith("INSERT INTO order_counter"):
            seen["number"] = rows[0][0]
        elif statement.endswith("FOR UPDATE"):
            # All products of the order were changed equally often.
            seen["version"] = rows[0][-1]
