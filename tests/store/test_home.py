"""The numbers of the home page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.store.orders import placing, queries, service
from app.store.orders.models import SalesOrder
from app.store.products.stock.offer import Wish
from app.store.queries import DAYS, home_numbers
from tests.store.support import counting, make

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


def sell(ctx: Any, product: Any, days_ago: int) -> SalesOrder:
    """Place an order as if some days ago."""
    order = placing.place_order(ctx, customer_email="a@b.example", items=[Wish(product.id, 1)])
    kept = queries.get_order(ctx, order_id=order.id)
    kept.placed_at = NOW - timedelta(days=days_ago)
    return kept


def test_an_empty_shop_has_empty_numbers(acme: Any) -> None:
    with acme.ctx(now=NOW) as ctx:
        numbers = home_numbers(ctx)
    assert (numbers.revenue, numbers.to_ship, numbers.low_stock, list(numbers.latest)) == ([], 0, 0, [])


def test_revenue_is_by_currency_and_day_and_leaves_cancelled_orders_out(acme: Any) -> None:
    with acme.ctx(now=NOW) as ctx:
        euro = make(ctx, inventory=100)
        yen = make(ctx, sku="Y", currency="JPY", price_minor=500, type="ebook")
        for days in (0, 0, 13, 14, 20, 21, 40):
            sell(ctx, euro, days)
        sell(ctx, yen, 1)
        service.move_order(ctx, order_id=sell(ctx, euro, 0).id, to="cancelled")
        service.move_order(ctx, order_id=sell(ctx, euro, 2).id, to="confirmed")
        service.move_order(ctx, order_id=sell(ctx, yen, 2).id, to="confirmed")
    with acme.ctx(now=NOW) as ctx, counting() as seen:
        numbers = home_numbers(ctx)
    euros, yens = numbers.revenue
    assert (euros.currency, yens.currency) == ("EUR", "JPY")
    # 21 days ago was the last of October.
    assert (euros.month_minor, euros.orders) == (3200 * 6, 6)
    assert len(euros.series) == DAYS
    assert (euros.series[0], euros.series[-3], euros.series[-1]) == (3200, 3200, 6400)
    assert yens.series[-2:] == (500, 0)
    assert numbers.to_ship == 1
    assert (numbers.products, numbers.orders) == (2, 11)
    assert [row.placed_at.day for row in numbers.latest][:2] == [21, 21]
    assert len(seen) <= 6


def test_low_stock_counts_what_is_for_sale_and_counted(acme: Any) -> None:
    with acme.ctx(now=NOW) as ctx:
        make(ctx, sku="A", inventory=0)
        make(ctx, sku="B", inventory=10)
        make(ctx, sku="C", inventory=11)
        make(ctx, sku="D")
        make(ctx, sku="E", inventory=0, status="draft")
        assert home_numbers(ctx).low_stock == 2
