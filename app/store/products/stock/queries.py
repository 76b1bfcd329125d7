"""Reads of the stock ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.kit.paging import ListKey, Order, Page, decode, page_of, paged
from app.store.products.models import Product
from app.store.products.stock.models import BundleItem, StockMovement
from tenants.context import Ctx

_COLUMNS = (
    StockMovement.id, StockMovement.kind, StockMovement.quantity, StockMovement.order_id, StockMovement.actor_name,
    StockMovement.note, StockMovement.at,
)  # fmt: skip
_NEWEST = Order(StockMovement.at, StockMovement.id, descending=True)


def list_movements(ctx: Ctx, *, product_id: UUID, cursor: str | None = None, limit: int) -> Page:
    """Return one page of a product's movements as rows, the newest first.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"movements {product_id}")
    at = decode(key, cursor) if cursor else None
    query = select(*_COLUMNS).where(StockMovement.tenant_id == ctx.tenant.id, StockMovement.product_id == product_id)
    rows = ctx.db.execute(paged(query, _NEWEST, at, limit)).all()
    return page_of(rows, _NEWEST, at, limit, key)


def taken_by_order(ctx: Ctx, *, order_id: UUID) -> Mapping[tuple[UUID, UUID | None], int]:
    """Return how many of each product an order has now, by product and line."""
    total = func.sum(StockMovement.quantity)
    rows = ctx.db.execute(
        select(StockMovement.product_id, StockMovement.line_id, total)
        .where(StockMovement.tenant_id == ctx.tenant.id, StockMovement.order_id == order_id)
        .group_by(StockMovement.product_id, StockMovement.line_id)
        .having(total != 0)
    )
    return {(product_id, line_id): -int(sum_) for product_id, line_id, sum_ in rows}


def list_parts(ctx: Ctx, *, bundle_id: UUID) -> list[tuple[Product, int]]:
    """Return what is in a bundle, in its order."""
    rows = ctx.db.execute(
        select(Product, BundleItem.quantity)
        .join(BundleItem, (BundleItem.tenant_id == Product.tenant_id) & (BundleItem.product_id == Product.id))
        .where(
            Product.tenant_id == ctx.tenant.id, BundleItem.tenant_id == ctx.tenant.id, BundleItem.bundle_id == bundle_id
        )
        .order_by(BundleItem.position)
    )
    return [(product, quantity) for product, quantity in rows]


def is_part(ctx: Ctx, *, product_id: UUID) -> bool:
    """Say whether a bundle holds the product."""
    query = select(BundleItem.id).where(BundleItem.tenant_id == ctx.tenant.id, BundleItem.product_id == product_id)
    return ctx.db.scalar(query.limit(1)) is not None


def find_differences(ctx: Ctx) -> dict[UUID, tuple[int, int]]:
    """Return `{product: (its number, the sum of its movements)}` where the two differ; empty when all is well."""
    sums: Any = (
        select(StockMovement.product_id, func.sum(StockMovement.quantity).label("total"))
        .where(StockMovement.tenant_id == ctx.tenant.id)
        .group_by(StockMovement.product_id)
        .subquery()
    )
    number, total = func.coalesce(Product.inventory, 0), func.coalesce(sums.c.total, 0)
    rows = ctx.db.execute(
        select(Product.id, number, total)
        .outerjoin(sums, sums.c.product_id == Product.id)
        .where(Product.tenant_id == ctx.tenant.id, Product.stock_opened, number != total)
    )
    return {product_id: (int(kept), int(summed)) for product_id, kept, summed in rows}
