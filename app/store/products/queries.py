"""Reads of products. Lists are Core rows with the tenant predicate written out: the hottest addresses of the API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, func, or_, select

from app.kit.errors import NotFound
from app.kit.paging import Cursor, ListKey, Order, Page, Query, decode, page_of, paged
from app.store.products.models import LOW_STOCK, Product
from app.store.text import after_prefix, normal
from tenants.context import Ctx

SORTS = ("created_at", "-created_at", "name", "-name", "price", "-price")
STOCK_VIEWS = ("low", "out")
# Of the table and not of the class: the list then costs what Core costs, and nothing of the mapper's.
_TABLE = cast(Table, Product.__table__)
_C = _TABLE.c
_SORT_COLUMNS = {"created_at": _C.created_at, "name": _C.name_norm, "price": _C.price_minor}
# In the order of the JSON document; `schemas.product_rows_json` goes by it.
_LIST = select(
    _C.id, _C.type, _C.name, _C.sku, _C.description, _C.category, _C.price_minor, _C.currency, _C.inventory,
    _C.status, _C.created_at, _C.updated_at, _C.row_version, _C.name_norm,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Which products a list shows, and in which order. `q` is the beginning of a name or SKU."""

    q: str = ""
    status: str | None = None
    category: str | None = None
    type: str | None = None
    stock: str | None = None
    sort: str = "-created_at"

    @property
    def order(self) -> Order:
        """The order as columns."""
        return Order(_SORT_COLUMNS[self.sort.removeprefix("-")], _C.id, self.sort.startswith("-"))


def list_products(ctx: Ctx, *, filters: ProductFilter, cursor: str | None = None, limit: int) -> Page:
    """Return one page of products as rows.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, _scope(filters))
    at: Cursor | None = decode(key, cursor) if cursor else None
    query = _first_page(filters, limit) if at is None else paged(_matching(filters), filters.order, at, limit)
    rows = ctx.db.connection().execute(query, {"tenant_id": ctx.tenant.id}).all()
    return page_of(rows, filters.order, at, limit, key)


@lru_cache(maxsize=256)
def _scope(filters: ProductFilter) -> str:
    return f"products {filters!r}"


@lru_cache(maxsize=256)
def _first_page(filters: ProductFilter, limit: int) -> Query:
    """Return the statement of the page that is asked for most; writing it anew takes as long as reading its rows."""
    return paged(_matching(filters), filters.order, None, limit)


def _matching(filters: ProductFilter) -> Query:
    return _LIST.where(_C.tenant_id == bindparam("tenant_id"), *_conditions(filters))


def get_product(ctx: Ctx, *, product_id: UUID, lock: bool = False, fresh: bool = False) -> Product:
    """Return the product; `lock` holds it until the transaction ends, `fresh` reads it again.

    Raises NotFound.
    """
    query = select(Product).where(Product.tenant_id == ctx.tenant.id, Product.id == product_id)
    if lock:
        query = query.with_for_update()
    if lock or fresh:
        query = query.execution_options(populate_existing=True)
    product = ctx.db.scalar(query)
    if product is None:
        raise NotFound
    return product


def find_product(ctx: Ctx, *, product_id: UUID) -> Product | None:
    """Return the product, or None."""
    return ctx.db.scalar(select(Product).where(Product.tenant_id == ctx.tenant.id, Product.id == product_id))


def find_products(ctx: Ctx, *, ids: Iterable[UUID], lock: bool = False) -> dict[UUID, Product]:
    """Return the products among `ids` by id; locked in the order of their ids, so that two buyers never deadlock."""
    query = select(Product).where(Product.tenant_id == ctx.tenant.id, Product.id.in_(sorted(set(ids))))
    query = query.order_by(Product.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return {product.id: product for product in ctx.db.scalars(query)}


def sku_owner(ctx: Ctx, *, sku: str) -> UUID | None:
    """Return the id of the product for sale or in draft that has `sku`, or None."""
    return ctx.db.scalar(
        select(Product.id).where(
            Product.tenant_id == ctx.tenant.id, Product.sku_norm == normal(sku), Product.status != "archived"
        )
    )


def count_by_view(ctx: Ctx) -> dict[str, int]:
    """Return how many products each view of the list has: all, one by state, and low stock."""
    rows = ctx.db.execute(
        select(Product.status, func.count()).where(Product.tenant_id == ctx.tenant.id).group_by(Product.status)
    )
    found = dict(rows.all())
    return {"all": sum(found.values()), **found, "low": count_low_stock(ctx)}


def count_low_stock(ctx: Ctx) -> int:
    """Return how many products for sale have few left or none."""
    low = _stock("low")
    return ctx.db.scalar(select(func.count()).select_from(Product).where(Product.tenant_id == ctx.tenant.id, low)) or 0


def count_unarchived(ctx: Ctx) -> int:
    """Return how many products take a place of the plan."""
    query = select(func.count()).select_from(Product)
    return ctx.db.scalar(query.where(Product.tenant_id == ctx.tenant.id, Product.status != "archived")) or 0


def list_categories(ctx: Ctx, *, limit: int = 50) -> list[str]:
    """Return the categories in use, in order."""
    query = select(Product.category).where(Product.tenant_id == ctx.tenant.id, Product.category != "")
    return list(ctx.db.scalars(query.distinct().order_by(Product.category).limit(limit)))


def usual_currency(ctx: Ctx) -> str:
    """Return the currency of the newest product; what the next one most likely has."""
    query = select(Product.currency).where(Product.tenant_id == ctx.tenant.id)
    return ctx.db.scalar(query.order_by(Product.created_at.desc(), Product.id.desc()).limit(1)) or "EUR"


def find_by_skus(ctx: Ctx, *, skus: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of the products for sale that have one of `skus`, by the SKU's normal form."""
    wanted = sorted({normal(sku) for sku in skus})
    query = select(Product.sku_norm, Product.id).where(
        Product.tenant_id == ctx.tenant.id, Product.sku_norm.in_(wanted), Product.status == "active"
    )
    return dict(ctx.db.execute(query).all())


def list_for_sale(ctx: Ctx, *, limit: int = 500) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return id, name, SKU, price and stock of what can be ordered, by name; for the choice in a form."""
    query = select(
        Product.id, Product.name, Product.sku, Product.price_minor, Product.currency, Product.inventory
    ).where(Product.tenant_id == ctx.tenant.id, Product.status == "active")
    return ctx.db.execute(query.order_by(Product.name_norm, Product.id).limit(limit)).all()


def _conditions(filters: ProductFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.status:
        found.append(_C.status == filters.status)
    if filters.category:
        found.append(_C.category == filters.category)
    if filters.type:
        found.append(_C.type == filters.type)
    if filters.stock:
        found.append(_stock(filters.stock))
    prefix = normal(filters.q)
    if prefix:
        found.append(or_(_begins(_C.name_norm, prefix), _begins(_C.sku_norm, prefix)))
    return found


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    end = after_prefix(prefix)
    return and_(column >= prefix, column < end) if end is not None else column >= prefix


def _stock(view: str) -> ColumnElement[bool]:
    return and_(_C.status == "active", _C.inventory <= (0 if view == "out" else LOW_STOCK))
