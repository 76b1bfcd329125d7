"""Many products at once, for files: multi-row statements, one quota reservation, one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update

from app.kit.ids import new_id
from app.store.products.models import Product
from app.store.products.service import METRIC
from app.store.text import normal
from tenants import quotas
from tenants.context import Ctx

CHANGEABLE = ("name", "type", "description", "category", "price_minor", "currency", "inventory", "status")
_COLUMNS = (Product.id, Product.sku, Product.sku_norm, *(getattr(Product, name) for name in CHANGEABLE))
_DEFAULTS: dict[str, Any] = {
    "type": "physical", "description": "", "category": "", "inventory": None, "status": "active",
}  # fmt: skip


def find_by_sku(ctx: Ctx, *, skus: Iterable[str]) -> dict[str, Row[Any]]:
    """Return the products that are not archived and have one of `skus`, by normal form of the SKU."""
    wanted = sorted({normal(sku) for sku in skus})
    rows = ctx.db.execute(
        select(*_COLUMNS).where(
            Product.tenant_id == ctx.tenant.id, Product.sku_norm.in_(wanted), Product.status != "archived"
        )
    )
    return {row.sku_norm: row for row in rows}


def insert_products(ctx: Ctx, *, rows: Sequence[Mapping[str, Any]]) -> dict[str, UUID]:
    """Add products from `{name, sku, price_minor, currency, …}`; return their ids by normal form of the SKU.

    The caller has seen to it that the SKUs are free and differ. Raises LimitExceeded; then nothing is added.
    """
    if not rows:
        return {}
    quotas.reserve(ctx, METRIC, len(rows))
    made = [_complete(ctx, row) for row in rows]
    ctx.db.execute(insert(Product), made)
    return {row["sku_norm"]: row["id"] for row in made}


def update_products(ctx: Ctx, *, changes: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Set the same columns of many products, each to its own values; `changes` pairs an id with all of CHANGEABLE."""
    if not changes:
        return
    values = [
        {"b_id": product_id, "name_norm": normal(row["name"]), **{name: row[name] for name in CHANGEABLE}}
        for product_id, row in changes
    ]
    table = Product.__table__
    statement = (
        update(table)  # type: ignore[arg-type]
        .where(table.c.tenant_id == ctx.tenant.id, table.c.id == bindparam("b_id"))
        .values(
            {name: bindparam(name) for name in (*CHANGEABLE, "name_norm")}
            | {"row_version": table.c.row_version + 1, "updated_at": ctx.now}
        )
    )
    ctx.db.execute(statement, values)


def _complete(ctx: Ctx, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_DEFAULTS,
        **row,
        "tenant_id": ctx.tenant.id,
        "id": new_id(),
        "name_norm": normal(row["name"]),
        "sku_norm": normal(row["sku"]),
        "created_by": ctx.actor.id,
        "created_at": ctx.now,
        "updated_at": ctx.now,
        "row_version": 1,
    }
