"""What an order wants of the products: are they for sale, in one currency, and in stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.kit.errors import FieldError, Invalid
from app.store.orders.models import SalesOrder
from app.store.products import queries as products
from app.store.products.errors import NotForSale, OutOfStock
from app.store.products.models import Product
from tenants.context import Ctx

_UNKNOWN_PRODUCT = "No product has this id. Choose one from your products."


@dataclass(frozen=True, slots=True)
class Wish:
    """So many of one product."""

    product_id: UUID
    quantity: int


def offered_products(ctx: Ctx, items: Sequence[Wish]) -> dict[UUID, Product]:
    """Return the wished products.

    Raises Invalid for ids that this tenant does not have, NotForSale for drafts and archived ones.
    """
    found = products.find_products(ctx, ids=[wish.product_id for wish in items])
    unknown = [at for at, wish in enumerate(items) if wish.product_id not in found]
    if unknown:
        raise Invalid(errors=[FieldError(f"#/items/{at}/product_id", _UNKNOWN_PRODUCT) for at in unknown])
    closed = [(at, found[w.product_id]) for at, w in enumerate(items) if found[w.product_id].status != "active"]
    if closed:
        told = [FieldError(f"#/items/{at}/product_id", f"{product.name} is not for sale.") for at, product in closed]
        raise NotForSale("Publish the product, or leave it out.", errors=told)
    return found


def one_currency(items: Sequence[Wish], offered: Mapping[UUID, Product]) -> str:
    """Return the currency of all wished products.

    Raises Invalid when there are several.
    """
    currency = offered[items[0].product_id].currency
    strange = [at for at, wish in enumerate(items) if offered[wish.product_id].currency != currency]
    if strange:
        told = f"An order has one currency, here {currency}. Order this product on its own."
        raise Invalid(errors=[FieldError(f"#/items/{at}/product_id", told) for at in strange])
    return currency


def take_stock(ctx: Ctx, items: Sequence[Wish], offered: Mapping[UUID, Product]) -> set[UUID]:
    """Lower the stock of what is counted, all or nothing; return which products are counted.

    Raises OutOfStock.
    """
    wanted: dict[UUID, int] = {}
    for wish in items:
        if offered[wish.product_id].inventory is not None:
            wanted[wish.product_id] = wanted.get(wish.product_id, 0) + wish.quantity
    # Lock the products, not the order: two buyers meet on stock, never on an order.
    locked = products.find_products(ctx, ids=wanted, lock=True) if wanted else {}
    # Read again under the lock: the stock may be gone, or nobody counts it any more.
    counted = {i: product for i, product in locked.items() if product.inventory is not None}
    short = {i for i, product in counted.items() if (product.inventory or 0) < wanted[i]}
    if short:
        raise _out_of_stock(items, counted, short)
    for product_id, product in counted.items():
        product.inventory = (product.inventory or 0) - wanted[product_id]
        product.updated_at = ctx.now
    return set(counted)


def _out_of_stock(items: Sequence[Wish], locked: Mapping[UUID, Product], short: set[UUID]) -> OutOfStock:
    told = [
        FieldError(f"#/items/{at}/quantity", _left(locked[wish.product_id]))
        for at, wish in enumerate(items)
        if wish.product_id in short
    ]
    return OutOfStock(" ".join(dict.fromkeys(error.detail for error in told)), errors=told)


def _left(product: Product) -> str:
    return f"{product.name} is sold out." if not product.inventory else f"{product.name}: {product.inventory} left."


def return_stock(ctx: Ctx, order: SalesOrder) -> None:
    """Give back what the lines of `order` took."""
    back: dict[UUID, int] = {}
    for line in order.lines:
        if line.stock_taken and line.product_id is not None:
            back[line.product_id] = back.get(line.product_id, 0) + line.quantity
            line.stock_taken = False
    for product_id, product in products.find_products(ctx, ids=back, lock=True).items() if back else ():
        if product.inventory is not None:
            product.inventory += back[product_id]
            product.updated_at = ctx.now
