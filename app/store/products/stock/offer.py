"""What an order wants of the products: are they for sale, in one currency, at the price shown, and in stock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.kit.errors import FieldError, Invalid
from app.kit.money import BadMoney, to_decimal, to_minor
from app.store.products.errors import NotForSale, OutOfStock, PriceChanged
from app.store.products.stock.ledger import Change, Counted
from tenants.context import Ctx

_UNKNOWN_PRODUCT = "No product has this id. Choose one from your products."
# All at once and in the order of their ids, with what is inside of bundles: so no two orders wait for each other.
_LOCK = text("""
    SELECT id, type, name, sku, price_minor, currency, inventory, status, stock_opened, has_variants
    FROM product
    WHERE tenant_id = :tenant_id AND id = ANY (ARRAY(
        SELECT unnest(CAST(:ids AS uuid[]))
        UNION SELECT product_id FROM bundle_item
              WHERE tenant_id = :tenant_id AND bundle_id = ANY (CAST(:ids AS uuid[]))))
    ORDER BY id FOR NO KEY UPDATE
""")
_PARTS = text("""
    SELECT bundle_id, product_id, quantity FROM bundle_item
    WHERE tenant_id = :tenant_id AND bundle_id = ANY (CAST(:ids AS uuid[])) ORDER BY bundle_id, position
""")


@dataclass(frozen=True, slots=True)
class Wish:
    """So many of one product, and the price that the buyer was shown, like "14.90" (None: whatever it costs)."""

    product_id: UUID
    quantity: int
    price: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """The wished products and what is inside of bundles, locked until the transaction ends."""

    products: Mapping[UUID, Row[Any]]
    parts: Mapping[UUID, Sequence[tuple[UUID, int]]]

    def taken_by(self, wish: Wish) -> Iterator[tuple[UUID, int]]:
        """Return which counted products a wish takes, and how many of each."""
        for product_id, each in self.parts.get(wish.product_id, ((wish.product_id, 1),)):
            if self.products[product_id].inventory is not None:
                yield product_id, each * wish.quantity

    def counted(self) -> dict[UUID, Counted]:
        """Return the products whose stock is counted, as the ledger wants them."""
        return counted(self.products.values())


def lock_products(ctx: Ctx, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Lock these products and the parts of bundles among them until the transaction ends; return what is there."""
    values = {"tenant_id": ctx.tenant.id, "ids": list(set(ids))}
    return {row.id: row for row in ctx.db.connection().execute(_LOCK, values)}


def counted(rows: Iterable[Row[Any]]) -> dict[UUID, Counted]:
    """Return those of the locked products whose stock is counted."""
    return {row.id: Counted(row.id, row.inventory, row.stock_opened) for row in rows if row.inventory is not None}


def lock_offer(ctx: Ctx, items: Sequence[Wish]) -> Offer:
    """Lock what is wished.

    Raises Invalid for ids that this tenant does not have and prices that are none, NotForSale for what cannot be
    ordered, PriceChanged.
    """
    found = lock_products(ctx, [wish.product_id for wish in items])
    unknown = [at for at, wish in enumerate(items) if wish.product_id not in found]
    if unknown:
        raise Invalid(errors=[FieldError(f"#/items/{at}/product_id", _UNKNOWN_PRODUCT) for at in unknown])
    bundles = [row.id for row in found.values() if row.type == "bundle"]
    parts = _parts(ctx, bundles) if bundles else {}
    # A bundle that was changed while its lock was waited for may hold more than was locked with it.
    late = {part for content in parts.values() for part, _ in content} - found.keys()
    if late:
        found |= lock_products(ctx, late)
    offer = Offer(found, parts)
    _require_for_sale(items, offer)
    _require_price(items, offer)
    return offer


def one_currency(items: Sequence[Wish], offer: Offer) -> str:
    """Return the currency of all wished products.

    Raises Invalid when there are several.
    """
    currency: str = offer.products[items[0].product_id].currency
    strange = [at for at, wish in enumerate(items) if offer.products[wish.product_id].currency != currency]
    if strange:
        told = f"An order has one currency, here {currency}. Order this product on its own."
        raise Invalid(errors=[FieldError(f"#/items/{at}/product_id", told) for at in strange])
    return currency


def require_stock(items: Sequence[Wish], offer: Offer) -> None:
    """See that there is enough of everything, over all lines and bundles together.

    Raises OutOfStock.
    """
    wanted: dict[UUID, int] = {}
    for wish in items:
        for product_id, quantity in offer.taken_by(wish):
            wanted[product_id] = wanted.get(product_id, 0) + quantity
    short = {product_id for product_id, total in wanted.items() if offer.products[product_id].inventory < total}
    if short:
        told = [
            FieldError(f"#/items/{at}/quantity", _left(offer, wish, product_id))
            for at, wish in enumerate(items)
            for product_id, _ in offer.taken_by(wish)
            if product_id in short
        ]
        raise OutOfStock(" ".join(dict.fromkeys(error.detail for error in told)), errors=told)


def changes(items: Sequence[Wish], offer: Offer, line_ids: Sequence[UUID]) -> list[Change]:
    """Return what the lines of an order take from the stock."""
    return [
        Change(product_id, -quantity, line_id)
        for wish, line_id in zip(items, line_ids, strict=True)
        for product_id, quantity in offer.taken_by(wish)
    ]


def _parts(ctx: Ctx, bundles: Sequence[UUID]) -> dict[UUID, list[tuple[UUID, int]]]:
    # A bundle of nothing takes nothing.
    found: dict[UUID, list[tuple[UUID, int]]] = {bundle: [] for bundle in bundles}
    for row in ctx.db.connection().execute(_PARTS, {"tenant_id": ctx.tenant.id, "ids": list(bundles)}):
        found[row.bundle_id].append((row.product_id, row.quantity))
    return found


def _require_for_sale(items: Sequence[Wish], offer: Offer) -> None:
    told = [
        FieldError(f"#/items/{at}/product_id", why)
        for at, wish in enumerate(items)
        if (why := _obstacle(offer, offer.products[wish.product_id]))
    ]
    if told:
        raise NotForSale("Choose something else, or put it on sale first.", errors=told)


def _obstacle(offer: Offer, product: Row[Any]) -> str:
    if product.status != "active":
        return f"{product.name} is not for sale."
    if product.has_variants:
        return f"Choose one of the variants of {product.name}."
    content = offer.parts.get(product.id)
    if content is not None and not content:
        return f"{product.name} is an empty bundle."
    gone = [part for part, _ in content or () if offer.products[part].status == "archived"]
    return f"{product.name} holds {offer.products[gone[0]].name}, which is archived." if gone else ""


def _require_price(items: Sequence[Wish], offer: Offer) -> None:
    told = []
    for at, wish in enumerate(items):
        product = offer.products[wish.product_id]
        if wish.price is not None and _minor(at, wish.price, product.currency) != product.price_minor:
            price = f"{to_decimal(product.price_minor, product.currency)} {product.currency}"
            told.append(FieldError(f"#/items/{at}/price", f"{product.name} now costs {price}."))
    if told:
        raise PriceChanged(" ".join(error.detail for error in told), errors=told)


def _minor(at: int, price: str, currency: str) -> int:
    try:
        return to_minor(price, currency)
    except BadMoney as error:
        raise Invalid(errors=[FieldError(f"#/items/{at}/price", str(error))]) from error


def _left(offer: Offer, wish: Wish, product_id: UUID) -> str:
    product, wished = offer.products[product_id], offer.products[wish.product_id]
    name = product.name if product_id == wish.product_id else f"{product.name} (in {wished.name})"
    return f"{name}: {product.inventory} left." if product.inventory else f"{name} is sold out."
