"""Numbers for the home page: what sold, what waits, what runs out. Each is bounded in time or served by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from app.store.orders import queries as orders
from app.store.products import queries as products
from tenants import quotas
from tenants.context import Ctx

DAYS = 14


@dataclass(frozen=True, slots=True)
class Revenue:
    """What one currency brought: this month so far, and day by day, the oldest first."""

    currency: str
    month_minor: int
    orders: int
    series: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HomeNumbers:
    """Everything that the home page shows of the store."""

    revenue: Sequence[Revenue]
    to_ship: int
    low_stock: int
    products: int
    orders: int
    latest: Sequence[Row[*tuple[Any, ...]]]


def home_numbers(ctx: Ctx) -> HomeNumbers:
    """Return the numbers of the home page; totals of products and orders come from the usage counters."""
    used = {quota.metric: quota.used for quota in quotas.quotas(ctx)}
    return HomeNumbers(
        revenue=_revenue(ctx),
        to_ship=orders.count_to_ship(ctx),
        low_stock=products.count_low_stock(ctx),
        products=used.get("products", 0),
        orders=used.get("orders", 0),
        latest=orders.latest_orders(ctx),
    )


def _revenue(ctx: Ctx) -> list[Revenue]:
    """Sum up the month and the last fortnight, the currency with the most orders first."""
    today = ctx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    first = today - timedelta(days=DAYS - 1)
    rows = orders.sales_between(ctx, since=min(month, first), until=today + timedelta(days=1))
    found = [_of_currency(currency, rows, month, first) for currency in sorted({row.currency for row in rows})]
    return sorted(found, key=lambda revenue: -revenue.orders)


def _of_currency(currency: str, rows: Sequence[Any], month: datetime, first: datetime) -> Revenue:
    mine = [row for row in rows if row.currency == currency]
    by_day = {row.day: int(row.total) for row in mine}
    of_month = [row for row in mine if row.day >= month]
    return Revenue(
        currency,
        sum(int(row.total) for row in of_month),
        sum(row.orders for row in of_month),
        tuple(by_day.get(first + timedelta(days=at), 0) for at in range(DAYS)),
    )
