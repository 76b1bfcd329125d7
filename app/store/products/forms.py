"""The words of the product pages, and their forms."""

from __future__ import annotations

from typing import Any

from app.kit.money import currencies, to_decimal
from app.store.products.models import Product
from app.store.products.schemas import NewProduct, ProductQuery

TYPE_WORDS = {
    "physical": "Printed or physical",
    "ebook": "E-book",
    "course": "Course",
    "licence": "Licence",
    "bundle": "Bundle",
}
TYPE_ICONS = {"physical": "package", "ebook": "book-2", "course": "school", "licence": "key", "bundle": "box"}
STATUS_OPTIONS = [("active", "Active: people can order it"), ("draft", "Draft: only you see it")]
TYPE_OPTIONS = list(TYPE_WORDS.items())
_USUAL = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY", "CAD", "AUD")

PRODUCT_FORM = NewProduct()
LIST_QUERY = ProductQuery()


def currency_options(first: str) -> list[tuple[str, str]]:
    """Return the currencies to choose from: the one in use, the usual ones, then all others."""
    codes = dict.fromkeys((first, *_USUAL, *sorted(currencies())))
    return [(code, code) for code in codes]


def form_values(product: Product) -> dict[str, Any]:
    """Return what the edit form of `product` shows."""
    return {
        "name": product.name,
        "sku": product.sku,
        "type": product.type,
        "description": product.description,
        "category": product.category,
        "price": to_decimal(product.price_minor, product.currency),
        "currency": product.currency,
        "inventory": "" if product.inventory is None else product.inventory,
        "status": product.status,
    }


def differences(product: Product, sent: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (label, saved, sent) of each field in which a refused form differs from what is saved now."""
    saved = form_values(product)
    return [
        (label, saved[name], sent[name])
        for name, label in _LABELS.items()
        if name in sent and str(saved[name]).strip() != str(sent[name]).replace("\r\n", "\n").strip()
    ]


_LABELS = {
    "name": "Name",
    "sku": "SKU",
    "type": "Type",
    "description": "Description",
    "category": "Category",
    "price": "Price",
    "currency": "Currency",
    "inventory": "Stock",
    "status": "State",
}
