"""The kinds of files that can be imported."""

from __future__ import annotations

from collections.abc import Sequence

from app.imports.importer import Importer
from app.imports.mapping import Field
from app.imports.options import Options
from app.imports.orders.importer import OrderImporter
from app.imports.orders.rows import FIELDS as ORDER_FIELDS
from app.imports.products.importer import ProductImporter
from app.imports.products.rows import FIELDS as PRODUCT_FIELDS

FIELDS: dict[str, Sequence[Field]] = {"products": PRODUCT_FIELDS, "orders": ORDER_FIELDS}
NAMES = {"products": "Products", "orders": "Orders"}


def importer(resource: str, options: Options, *, source: str, write: bool) -> Importer:
    """Return what brings files of `resource` in; a trial (`write` False) finds out what would come in."""
    if resource == "products":
        return ProductImporter(options, write=write)
    return OrderImporter(options, source=source, write=write)
