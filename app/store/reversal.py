"""Takes back what a file brought in, as long as nothing depends on it: what stays is returned with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Table, delete, func, select
from sqlalchemy.exc import IntegrityError

from app.store.orders.models import OrderEvent, OrderLine, SalesOrder
from app.store.products import transfer
from app.store.products.models import Product
from app.store.products.transfer import WRITTEN, ProductRow
from tenants import quotas
from tenants.context import Ctx

_PRODUCT, _ORDER = cast(Table, Product.__table__), cast(Table, SalesOrder.__table__)
# What people call the fields; a price and its currency are one thing.
_WORDS = {
    "price_minor": "price", "currency": "price", "inventory": "stock", "type": "kind", "status": "state",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What a file wrote into a product, and what was there before."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


def remove_orders(ctx: Ctx, ids: Collection[UUID]) -> dict[UUID, str]:
    """Delete orders that a file brought in and nobody has touched; return why the others stay.

    What is gone already needs no reason.
    """
    rows = ctx.db.execute(
        select(SalesOrder.id, SalesOrder.status, SalesOrder.row_version)
        .where(SalesOrder.tenant_id == ctx.tenant.id, SalesOrder.id.in_(ids))
        .order_by(SalesOrder.id)
        .with_for_update()
    ).all()
    busy = _with_history(ctx, [row.id for row in rows])
    stay = {row.id: "It was changed since." for row in rows if row.row_version > 1}
    stay |= dict.fromkeys(busy, "Something happened to it since; its history says what.")
    free = [row.id for row in rows if row.id not in stay]
    refused = _delete(ctx, _ORDER, free)
    quotas.release(ctx, "orders", len(free) - len(refused))
    return stay | dict.fromkeys(refused, "Other records refer to it.")


def remove_products(ctx: Ctx, written: Mapping[UUID, Written]) -> dict[UUID, str]:
    """Delete products that a file made, that are as it made them and that no order has; return why the others stay."""
    found = _locked(ctx, written)
    stay = {row.id: reason for row in found.values() if (reason := _changed(row, written[row.id].after))}
    free = [row for row in found.values() if row.id not in stay]
    ordered = _first_orders(ctx, [row.id for row in free])
    stay |= {product_id: f"Order {number} has it." for product_id, number in ordered.items()}
    free = [row for row in free if row.id not in stay]
    refused = set(_delete(ctx, _PRODUCT, [row.id for row in free]))
    quotas.release(ctx, "products", sum(1 for row in free if row.id not in refused and row.status != "archived"))
    return stay | dict.fromkeys(refused, "A bundle or a variant needs it.")


def put_products_back(ctx: Ctx, written: Mapping[UUID, Written]) -> dict[UUID, str]:
    """Give products the values that they had before a file changed them; return why others stay as they are."""
    found = _locked(ctx, written)
    stay = {product_id: "It was deleted since." for product_id in written if product_id not in found}
    changes = {}
    for row in found.values():
        before, after = written[row.id].before, written[row.id].after
        if reason := _changed(row, after):
            stay[row.id] = reason
        elif wanted := {name: before[name] for name in after if before[name] != after[name]}:
            changes[row.id] = wanted
    transfer.change_many(ctx, changes, found)
    return stay


def _locked(ctx: Ctx, ids: Iterable[UUID]) -> dict[UUID, ProductRow]:
    columns = [getattr(Product, name) for name in ("id", "sku", *WRITTEN, "stock_opened")]
    statement = (
        select(*columns)
        .where(Product.tenant_id == ctx.tenant.id, Product.id.in_(list(ids)))
        .order_by(Product.id)
        .with_for_update()
    )
    return {row.id: ProductRow(*row) for row in ctx.db.execute(statement)}


def _changed(row: ProductRow, after: Mapping[str, Any]) -> str:
    """Return what of `row` is not as the file left it, as a sentence; "" when all is."""
    names = dict.fromkeys(_WORDS.get(name, name) for name, value in after.items() if getattr(row, name) != value)
    if not names:
        return ""
    return f"Its {' and '.join(names)} {'was' if len(names) == 1 else 'were'} changed since."


def _with_history(ctx: Ctx, ids: Sequence[UUID]) -> list[UUID]:
    """Return the orders to which more happened than that they came."""
    query = (
        select(OrderEvent.order_id)
        .where(OrderEvent.tenant_id == ctx.tenant.id, OrderEvent.order_id.in_(ids))
        .group_by(OrderEvent.order_id)
        .having(func.count() > 1)
    )
    return list(ctx.db.scalars(query))


def _first_orders(ctx: Ctx, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the number of the first order that has each of these products."""
    query = (
        select(OrderLine.product_id, func.min(SalesOrder.number))
        .join(SalesOrder, (SalesOrder.tenant_id == OrderLine.tenant_id) & (SalesOrder.id == OrderLine.order_id))
        .where(
            OrderLine.tenant_id == ctx.tenant.id, SalesOrder.tenant_id == ctx.tenant.id, OrderLine.product_id.in_(ids)
        )
        .group_by(OrderLine.product_id)
    )
    return {product_id: number for product_id, number in ctx.db.execute(query) if product_id}


def _delete(ctx: Ctx, table: Table, ids: Sequence[UUID]) -> list[UUID]:
    """Delete rows, all at once or else one by one; return those that something refers to."""
    if not ids or _try(ctx, lambda: _delete_these(ctx, table, ids)):
        return []
    return [row_id for row_id in ids if not _try(ctx, lambda one=row_id: _delete_these(ctx, table, [one]))]  # type: ignore[misc]


def _delete_these(ctx: Ctx, table: Table, ids: Sequence[UUID]) -> None:
    ctx.db.execute(delete(table).where(table.c.tenant_id == ctx.tenant.id, table.c.id.in_(ids)))


def _try(ctx: Ctx, change: Callable[[], None]) -> bool:
    try:
        with ctx.db.begin_nested():
            change()
    except IntegrityError as error:
        if isinstance(error.orig, ForeignKeyViolation):
            return False
        raise
    return True
