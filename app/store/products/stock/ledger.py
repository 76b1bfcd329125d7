"""The one place where stock changes: the number on the product and the movement that says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert, text

from app.kit.ids import new_id
from app.store.products.models import Product
from app.store.products.stock.models import StockMovement
from tenants.context import Ctx

_CHANGE = text("""
    UPDATE product SET inventory = coalesce(inventory, 0) + w.quantity, stock_opened = true, updated_at = :now,
                       row_version = row_version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:quantities AS bigint[])) AS w (id, quantity)
    WHERE product.tenant_id = :tenant_id AND product.id = w.id
""")
_MOVE = insert(cast(Table, StockMovement.__table__))


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted product as its lock shows it; `opened` says whether the ledger knows where its number comes from."""

    id: UUID
    inventory: int
    opened: bool


@dataclass(frozen=True, slots=True)
class Change:
    """So many more (or fewer) of a product, and the order line that it is for."""

    product_id: UUID
    quantity: int
    line_id: UUID | None = None


def book(
    ctx: Ctx,
    kind: str,
    changes: Sequence[Change],
    counted: Mapping[UUID, Counted],
    *,
    order_id: UUID | None = None,
    note: str = "",
) -> None:
    """Write `changes` of products that this transaction has locked, and that `counted` describes.

    The database refuses what would leave less than nothing; ask before for a better answer.
    """
    totals: dict[UUID, int] = {}
    for change in changes:
        totals[change.product_id] = totals.get(change.product_id, 0) + change.quantity
    about = {"order_id": order_id, "note": note}
    rows = [movement(ctx, c.product_id, kind, c.quantity, line_id=c.line_id, **about) for c in changes if c.quantity]
    if not rows:
        return
    rows += [movement(ctx, product.id, "opening", product.inventory) for product in _unopened(counted, totals)]
    connection = ctx.db.connection()
    connection.execute(_CHANGE, {
        "tenant_id": ctx.tenant.id, "ids": list(totals), "quantities": list(totals.values()), "now": ctx.now,
    })  # fmt: skip
    connection.execute(_MOVE, rows)
    for product_id in counted:
        known = ctx.db.identity_map.get(ctx.db.identity_key(Product, (ctx.tenant.id, product_id)))
        if known is not None:
            # Whoever has read it in this transaction reads the new number.
            ctx.db.expire(known, ["inventory", "stock_opened", "updated_at", "row_version"])


def begin(ctx: Ctx, made: Iterable[tuple[UUID, int]]) -> None:
    """Write the first movements of products that were just made with so many of each."""
    rows = [movement(ctx, product_id, "opening", inventory) for product_id, inventory in made]
    if rows:
        ctx.db.connection().execute(_MOVE, rows)


def movement(ctx: Ctx, product_id: UUID, kind: str, quantity: int, **about: Any) -> dict[str, Any]:
    """Return a movement as a row; `about` says for which order, and why."""
    return {
        "tenant_id": ctx.tenant.id, "id": new_id(), "product_id": product_id, "order_id": None, "line_id": None,
        "kind": kind, "quantity": quantity, "actor_id": ctx.actor.id, "actor_name": ctx.actor.name, "note": "",
        "at": ctx.now, **about,
    }  # fmt: skip


def _unopened(counted: Mapping[UUID, Counted], touched: Iterable[UUID]) -> list[Counted]:
    """Return products whose ledger begins now: it came later than they did, so it is told what was there before."""
    found = [counted[product_id] for product_id in touched]
    return [product for product in found if not product.opened and product.inventory]
