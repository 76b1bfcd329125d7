"""What can go wrong with products, by name."""

from __future__ import annotations

from app.kit.errors import Conflict


class SkuTaken(Conflict):
    """Another product that is not archived has this SKU."""

    code, title = "store.sku_taken", "This SKU is taken"


class OutOfStock(Conflict):
    """Fewer are left than were asked for; nothing was taken."""

    code, title = "store.out_of_stock", "Not enough stock"


class NotForSale(Conflict):
    """The product is a draft or archived."""

    code, title = "store.not_for_sale", "This product is not for sale"


class ProductArchived(Conflict):
    """An archived product is not edited; it is restored first."""

    code, title = "store.product_archived", "This product is archived"


class PriceChanged(Conflict):
    """The buyer was shown another price; nothing was ordered."""

    code, title = "store.price_changed", "The price has changed"
