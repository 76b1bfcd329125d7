"""Reads of orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import selectinload

from app.kit.errors import NotFound
from app.kit.paging import ListKey, Order, Page, decode, page_of, paged
from app.store.orders.models import OrderEvent, OrderLine, SalesOrder
from app.store.text import email_key
from tenants.context import Ctx

SORTS = ("placed_at", "-placed_at", "number", "-number")
_SORT_COLUMNS = {"placed_at": SalesOrder.placed_at, "number": SalesOrder.number}
_COLUMNS = (
    SalesOrder.id,
    SalesOrder.number,
    SalesOrder.external_ref,
    SalesOrder.customer_email,
    SalesOrder.customer_name,
    SalesOrder.customer_reference,
    SalesOrder.status,
    SalesOrder.payment_status,
    SalesOrder.currency,
    SalesOrder.total_minor,
    SalesOrder.placed_at,
    SalesOrder.source,
    SalesOrder.created_at,
    SalesOrder.updated_at,
    SalesOrder.row_version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a list shows, and in which order. `since` is included, `until` is not."""

    status: str | None = None
    customer_email: str | None = None
    number: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: str = "-placed_at"

    @property
    def order(self) -> Order:
        """The order as columns."""
        return Order(_SORT_COLUMNS[self.sort.removeprefix("-")], SalesOrder.id, self.sort.startswith("-"))


def list_orders(ctx: Ctx, *, filters: OrderFilter, cursor: str | None = None, limit: int) -> Page:
    """Return one page of orders as rows, without their lines.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"orders {filters!r}")
    at = decode(key, cursor) if cursor else None
    query = select(*_COLUMNS).where(SalesOrder.tenant_id == ctx.tenant.id, *_conditions(filters))
    rows = ctx.db.execute(paged(query, filters.order, at, limit)).all()
    return page_of(rows, filters.order, at, limit, key)


def get_order(ctx: Ctx, *, order_id: UUID, lock: bool = False, fresh: bool = False) -> SalesOrder:
    """Return the order with its lines; `lock` holds it until the transaction ends, `fresh` reads it again.

    Raises NotFound.
    """
    query = select(SalesOrder).where(SalesOrder.tenant_id == ctx.tenant.id, SalesOrder.id == order_id)
    query = query.options(selectinload(SalesOrder.lines))
    if lock:
        query = query.with_for_update()
    if lock or fresh:
        query = query.execution_options(populate_existing=True)
    order = ctx.db.scalar(query)
    if order is None:
        raise NotFound
    return order


def list_events(ctx: Ctx, *, order_id: UUID, limit: int = 200) -> Sequence[OrderEvent]:
    """Return what happened to the order, newest first."""
    query = select(OrderEvent).where(OrderEvent.tenant_id == ctx.tenant.id, OrderEvent.order_id == order_id)
    return ctx.db.scalars(query.order_by(OrderEvent.at.desc(), OrderEvent.id.desc()).limit(limit)).all()


def count_by_status(ctx: Ctx) -> dict[str, int]:
    """Return how many orders are in each state, and `all`."""
    rows = ctx.db.execute(
        select(SalesOrder.status, func.count()).where(SalesOrder.tenant_id == ctx.tenant.id).group_by(SalesOrder.status)
    )
    found = dict(rows.all())
    return {"all": sum(found.values()), **found}


def count_orders(ctx: Ctx) -> int:
    """Return how many orders take a place of the plan: all of them."""
    return ctx.db.scalar(select(func.count()).select_from(SalesOrder).where(SalesOrder.tenant_id == ctx.tenant.id)) or 0


def count_to_ship(ctx: Ctx) -> int:
    """Return how many confirmed orders wait for their parcel."""
    parcel = (
        select(OrderLine.id)
        .where(
            OrderLine.tenant_id == ctx.tenant.id,
            OrderLine.order_id == SalesOrder.id,
            OrderLine.product_type == "physical",
        )
        .exists()
    )
    query = select(func.count()).select_from(SalesOrder)
    query = query.where(SalesOrder.tenant_id == ctx.tenant.id, SalesOrder.status == "confirmed", parcel)
    return ctx.db.scalar(query) or 0


def latest_orders(ctx: Ctx, *, limit: int = 5) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the newest orders as rows."""
    query = select(*_COLUMNS).where(SalesOrder.tenant_id == ctx.tenant.id)
    return ctx.db.execute(query.order_by(SalesOrder.placed_at.desc(), SalesOrder.id.desc()).limit(limit)).all()


def customer_record(ctx: Ctx, *, email: str) -> tuple[int, datetime | None, dict[str, int]]:
    """Return how often a customer ordered, since when, and for how much by currency; cancelled orders do not count."""
    rows = ctx.db.execute(
        select(SalesOrder.currency, func.count(), func.min(SalesOrder.placed_at), func.sum(SalesOrder.total_minor))
        .where(
            SalesOrder.tenant_id == ctx.tenant.id,
            SalesOrder.customer_email_norm == email_key(email),
            SalesOrder.status != "cancelled",
        )
        .group_by(SalesOrder.currency)
    ).all()
    since = min((row[2] for row in rows), default=None)
    return sum(row[1] for row in rows), since, {row[0]: int(row[3]) for row in rows}


def sales_between(ctx: Ctx, *, since: datetime, until: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return (day, currency, orders, total) of the orders placed in a bounded time that were not cancelled."""
    day = func.date_trunc("day", SalesOrder.placed_at, "UTC").label("day")
    return ctx.db.execute(
        select(day, SalesOrder.currency, func.count().label("orders"), func.sum(SalesOrder.total_minor).label("total"))
        .where(
            SalesOrder.tenant_id == ctx.tenant.id,
            SalesOrder.placed_at >= since,
            SalesOrder.placed_at < until,
            SalesOrder.status != "cancelled",
        )
        .group_by(day, SalesOrder.currency)
    ).all()


def sold_lately(ctx: Ctx, *, product_id: UUID, days: int = 30) -> tuple[int, int]:
    """Return how many of a product were ordered in the last `days`, and for how many minor units."""
    row = ctx.db.execute(
        select(func.coalesce(func.sum(OrderLine.quantity), 0), func.coalesce(func.sum(OrderLine.subtotal_minor), 0))
        .join(SalesOrder, (SalesOrder.tenant_id == OrderLine.tenant_id) & (SalesOrder.id == OrderLine.order_id))
        .where(
            OrderLine.tenant_id == ctx.tenant.id,
            SalesOrder.tenant_id == ctx.tenant.id,
            OrderLine.product_id == product_id,
            SalesOrder.placed_at >= ctx.now - timedelta(days=days),
            SalesOrder.status != "cancelled",
        )
    ).one()
    return int(row[0]), int(row[1])


def _conditions(filters: OrderFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.status:
        found.append(SalesOrder.status == filters.status)
    if filters.customer_email:
        found.append(SalesOrder.customer_email_norm == email_key(filters.customer_email))
    if filters.number is not None:
        found.append(SalesOrder.number == filters.number)
    if filters.since:
        found.append(SalesOrder.placed_at >= filters.since)
    if filters.until:
        found.append(SalesOrder.placed_at < filters.until)
    return found
