"""Many buyers want the last unit at once: one gets it, all others are told, and the books are right.

RACE_BUYERS and RACE_ROUNDS set how many buyers and how often; `make race` runs the long form.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from app.kit.desk import Usage
from app.store.orders import placing
from app.store.orders.models import OrderLine, SalesOrder
from app.store.products import queries as products
from app.store.products.errors import OutOfStock
from app.store.products.models import Product
from app.store.products.stock import queries
from app.store.products.stock import service as stock
from app.store.products.stock.models import StockMovement
from app.store.products.stock.offer import Wish
from tests.store import support

BUYERS = int(os.environ.get("RACE_BUYERS", "60"))
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
_numbers = itertools.count(1)

# What each buyer puts into the basket, of the one pen that is left, a plentiful book, and a box with one of both.
Baskets = Callable[[Product, Product, Product, int], list[Wish]]
BASKETS: dict[str, Baskets] = {
    "one line": lambda pen, book, box, number: [Wish(pen.id, 1)],
    "a bundle": lambda pen, book, box, number: [Wish(box.id, 1)],
    "several lines": lambda pen, book, box, number: [Wish(book.id, 1), Wish(pen.id, 1), Wish(book.id, 2)],
    "all of these": lambda pen, book, box, number: [
        [Wish(pen.id, 1)],
        [Wish(box.id, 1)],
        [Wish(book.id, 1), Wish(pen.id, 1)],
        [Wish(pen.id, 1), Wish(book.id, 3)],
    ][number % 4],
}


def _shelf(ctx: Any) -> tuple[Product, Product, Product]:
    """Return the last pen, many books, and a box of one of each."""
    number = next(_numbers)
    pen = support.make(ctx, sku=f"PEN-{number}", inventory=1)
    book = support.make(ctx, sku=f"BOOK-{number}", inventory=10**6)
    box = support.make(ctx, sku=f"BOX-{number}", type="bundle")
    stock.set_parts(ctx, bundle_id=box.id, parts=[(book.id, 1), (pen.id, 1)])
    return pen, book, box


def _rows(ctx: Any) -> tuple[int, ...]:
    """Return how many orders, lines and movements the tenant has, and how many orders its counter says."""
    counts = [
        ctx.db.scalar(select(func.count()).select_from(model).where(model.tenant_id == ctx.tenant.id))
        for model in (SalesOrder, OrderLine, StockMovement)
    ]
    used = ctx.db.scalar(select(Usage.used).where(Usage.tenant_id == ctx.tenant.id, Usage.metric == "orders"))
    return (*counts, used or 0)


@pytest.mark.parametrize("baskets", BASKETS.values(), ids=BASKETS.keys())
def test_the_last_unit_is_sold_once(world: Any, baskets: Baskets) -> None:
    house = world.tenant("race", tier="enterprise")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(ROUNDS):
            with house.ctx() as ctx:
                pen, book, box = _shelf(ctx)
                before = _rows(ctx)

            def buy(number: int, shelf: tuple[Product, Product, Product] = (pen, book, box)) -> str:
                try:
                    with house.ctx() as ctx:
                        items = baskets(*shelf, number)
                        placing.place_order(ctx, customer_email=f"b{number}@b.example", items=items)
                except OutOfStock:
                    return "told"
                return "sold"

            assert Counter(pool.map(buy, range(BUYERS))) == {"sold": 1, "told": BUYERS - 1}
            with house.ctx() as ctx:
                assert products.get_product(ctx, product_id=pen.id).inventory == 0
                assert queries.find_differences(ctx) == {}
                orders, lines, movements, used = (now - was for now, was in zip(_rows(ctx), before, strict=True))
                assert (orders, used) == (1, 1)
                assert 1 <= lines <= movements + 1 <= 4
