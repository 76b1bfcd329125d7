"""Products by the hundred, for files: found by SKU, made by one statement and changed by one pipelined statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update

from app.kit.bulk import insert_many
from app.kit.ids import new_id
from app.store.products.models import Product
from app.store.products.stock import ledger
from app.store.products.stock.ledger import Change, Counted
from app.store.text import normal
from tenants import quotas
from tenants.context import Ctx

# PostgreSQL takes 65,535 parameters in a statement; these are the SKUs of one.
_CHUNK = 1000
_TABLE = cast(Table, Product.__table__)
# Not archived sorts before every time of archiving.
_NOT_YET = datetime.max.replace(tzinfo=UTC)
WRITTEN = ("name", "type", "status", "price_minor", "currency", "inventory", "category", "description")


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product as files see it."""

    id: UUID
    sku: str
    name: str
    type: str
    status: str
    price_minor: int
    currency: str
    inventory: int | None
    category: str
    description: str
    stock_opened: bool = True


def find_many(ctx: Ctx, skus: Collection[str], *, lock: bool = False) -> dict[str, list[ProductRow]]:
    """Return the products with these normalised SKUs, the one on sale first, then archived ones, newest first."""
    columns = [getattr(Product, name) for name in ("id", "sku", *WRITTEN, "stock_opened")]
    found: dict[str, list[ProductRow]] = {}
    wanted = sorted(skus)
    for start in range(0, len(wanted), _CHUNK):
        statement = (
            select(Product.sku_norm, Product.archived_at, *columns)
            .where(Product.tenant_id == ctx.tenant.id, Product.sku_norm.in_(wanted[start : start + _CHUNK]))
            # The order in which everybody locks products.
            .order_by(Product.id)
        )
        rows = ctx.db.execute(statement.with_for_update() if lock else statement).all()
        for sku_norm, _, *values in sorted(rows, key=lambda row: row.archived_at or _NOT_YET, reverse=True):
            found.setdefault(sku_norm, []).append(ProductRow(*values))
    return found


def create_many(ctx: Ctx, rows: Sequence[Mapping[str, Any]]) -> dict[str, ProductRow]:
    """Make products of plain values, and count those that are not archived against the plan; return them by SKU.

    Raises LimitExceeded when they do not fit.
    """
    quotas.reserve(ctx, "products", sum(1 for row in rows if row["status"] != "archived"))
    made: dict[str, ProductRow] = {}
    values = []
    for row in rows:
        product_id = new_id()
        made[normal(row["sku"])] = ProductRow(product_id, row["sku"], *(row[name] for name in WRITTEN))
        values.append(_values(ctx, product_id, row))
    insert_many(ctx.db, _TABLE, values)
    ledger.begin(ctx, [(row.id, row.inventory) for row in made.values() if row.inventory])
    return made


def change_many(ctx: Ctx, changes: Mapping[UUID, Mapping[str, Any]], known: Mapping[UUID, ProductRow]) -> None:
    """Write values into products that this transaction has locked; none of them enters or leaves the archive.

    `known` are these products as they were when they were locked: the ledger is told the difference.
    """
    _book_counts(ctx, changes, known)
    by_shape: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for product_id, change in changes.items():
        values = dict(change)
        if "name" in values:
            values["name_norm"] = normal(values["name"])
        by_shape.setdefault(tuple(values), []).append({"b_id": product_id, **{f"b_{k}": v for k, v in values.items()}})
    for shape, rows in by_shape.items():
        written: dict[str, Any] = {name: bindparam(f"b_{name}") for name in shape}
        statement = (
            update(_TABLE)
            .where(_TABLE.c.tenant_id == ctx.tenant.id, _TABLE.c.id == bindparam("b_id"))
            .values(written | {"row_version": _TABLE.c.row_version + 1, "updated_at": ctx.now})
        )
        ctx.db.execute(statement, rows)


def _book_counts(ctx: Ctx, changes: Mapping[UUID, Mapping[str, Any]], known: Mapping[UUID, ProductRow]) -> None:
    """Tell the ledger what was counted: the number that a file gives, less the number that was there."""
    rows = {product_id: known[product_id] for product_id, change in changes.items() if "inventory" in change}
    counts = [
        Change(product_id, (changes[product_id]["inventory"] or 0) - (row.inventory or 0))
        for product_id, row in rows.items()
    ]
    before = {row.id: Counted(row.id, row.inventory or 0, row.stock_opened) for row in rows.values()}
    ledger.book(ctx, "counted", counts, before)


def _values(ctx: Ctx, product_id: UUID, row: Mapping[str, Any]) -> dict[str, Any]:
    archived = row["status"] == "archived"
    return {
        "tenant_id": ctx.tenant.id,
        "id": product_id,
        "sku": row["sku"],
        "sku_norm": normal(row["sku"]),
        "name_norm": normal(row["name"]),
        **{name: row[name] for name in WRITTEN},
        "stock_opened": True,
        "archived_at": ctx.now if archived else None,
        "archived_from": "active" if archived else None,
        "created_by": ctx.actor.id,
        "created_at": ctx.now,
        "updated_at": ctx.now,
        "row_version": 1,
    }
