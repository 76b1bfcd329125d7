"""What people and orders do with stock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Table, delete, insert

from app.kit.errors import Invalid, NotFound
from app.kit.ids import new_id
from app.store.products import queries as products
from app.store.products.errors import OutOfStock
from app.store.products.models import Product
from app.store.products.stock import ledger, queries
from app.store.products.stock.errors import NotCounted
from app.store.products.stock.ledger import Change, Counted
from app.store.products.stock.models import BY_HAND, MAX_PARTS, BundleItem
from app.store.products.stock.offer import counted, lock_products
from tenants.context import Ctx


def adjust_stock(ctx: Ctx, *, product_id: UUID, kind: str, quantity: int, note: str = "") -> Product:
    """Book `quantity` that came in ("received") or was lost ("lost"), or set the number that was counted ("counted").

    Raises NotFound, NotCounted, OutOfStock.
    """
    ctx.require("products.write")
    rows = lock_products(ctx, [product_id])
    if product_id not in rows:
        raise NotFound
    known = counted(rows.values())
    if product_id not in known:
        raise NotCounted("Write how many there are first; then its stock is counted.")
    left = known[product_id].inventory
    change = quantity - left if kind == "counted" else BY_HAND[kind] * quantity
    if left + change < 0:
        raise OutOfStock(f"Only {left} are there.")
    ledger.book(ctx, kind, [Change(product_id, change)], known, note=note)
    return _reload(ctx, product_id)


def open_account(ctx: Ctx, product: Product) -> None:
    """Begin the ledger of a product that was just written."""
    if product.inventory:
        ledger.begin(ctx, [(product.id, product.inventory)])


def set_inventory(ctx: Ctx, product: Product, wanted: int | None, *, note: str = "") -> None:
    """Write the number of a locked product as it was counted; None: nobody counts it any more."""
    before = product.inventory
    known = {product.id: Counted(product.id, before or 0, product.stock_opened)}
    ctx.db.flush()
    ledger.book(ctx, "counted", [Change(product.id, (wanted or 0) - (before or 0))], known, note=note)
    # Nothing and "not counted" are both a sum of nought.
    product.inventory, product.stock_opened = wanted, True
    ctx.db.flush()


def give_back(ctx: Ctx, *, order_id: UUID, older: Sequence[tuple[UUID, UUID, int]] = (), note: str = "") -> None:
    """Give back all that an order has taken; `older` are (product, line, quantity) from before the ledger."""
    taken = dict(queries.taken_by_order(ctx, order_id=order_id))
    booked = {line_id for _, line_id in taken}
    taken |= {(product_id, line_id): quantity for product_id, line_id, quantity in older if line_id not in booked}
    if not taken:
        return
    # Who counts a product no longer wants none of it back.
    known = counted(lock_products(ctx, {product_id for product_id, _ in taken}).values())
    back = [Change(product, quantity, line) for (product, line), quantity in taken.items() if product in known]
    ledger.book(ctx, "released", back, known, order_id=order_id, note=note)


def set_parts(ctx: Ctx, *, bundle_id: UUID, parts: Sequence[tuple[UUID, int]]) -> None:
    """Say what is in a bundle: (product, quantity) in the order of the list.

    Raises NotFound, and Invalid for what cannot be in a bundle.
    """
    ctx.require("products.write")
    # With its parts, so that none of them becomes a bundle meanwhile.
    lock_products(ctx, [bundle_id, *(product_id for product_id, _ in parts)])
    bundle = products.get_product(ctx, product_id=bundle_id, lock=True)
    if bundle.type != "bundle":
        raise Invalid.field("type", "Only a bundle holds other products.")
    if len(parts) > MAX_PARTS:
        raise Invalid.field("parts", f"A bundle holds up to {MAX_PARTS} products.")
    found = products.find_products(ctx, ids=[product_id for product_id, _ in parts])
    for product_id, _ in parts:
        _require_part(bundle, found.get(product_id))
    if len(found) != len(parts):
        raise Invalid.field("parts", "Name each product once, with how many of it.")
    ctx.db.execute(delete(BundleItem).where(BundleItem.tenant_id == ctx.tenant.id, BundleItem.bundle_id == bundle_id))
    rows = [
        {"tenant_id": ctx.tenant.id, "id": new_id(), "bundle_id": bundle_id, "product_id": product_id,
         "position": position, "quantity": quantity}
        for position, (product_id, quantity) in enumerate(parts, 1)
    ]  # fmt: skip
    if rows:
        ctx.db.execute(insert(cast(Table, BundleItem.__table__)), rows)
    bundle.updated_at = ctx.now
    ctx.db.flush()


def _require_part(bundle: Product, part: Product | None) -> None:
    if part is None:
        raise Invalid.field("parts", "No product has this id. Choose one from your products.")
    if part.id == bundle.id or part.type == "bundle":
        raise Invalid.field("parts", "A bundle cannot hold a bundle.")
    if part.has_variants:
        raise Invalid.field("parts", f"Choose one of the variants of {part.name}.")


def _reload(ctx: Ctx, product_id: UUID) -> Product:
    return products.get_product(ctx, product_id=product_id, fresh=True)
