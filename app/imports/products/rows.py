"""A row of a product file, or of an order file that is read for its products."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.imports.cells import Cells, RowRefused
from app.imports.mapping import Field
from app.imports.options import Options
from app.imports.problems import Problem
from app.imports.rules import kind_of
from app.imports.spool import Record
from app.imports.values import code, currency_code, long_text, money, one_of, short_text, whole
from app.store.text import normal

TYPES = ("physical", "ebook", "course", "licence", "bundle")
STATUSES = ("draft", "active", "archived")
MAX_INVENTORY = 10**9

FIELDS = (
    Field("sku", "SKU", ("stockcode", "itemcode", "productcode", "articlenumber", "code", "item"), required=True,
          hint="A product with this SKU is changed; otherwise one is made."),
    Field("name", "Name", ("productname", "itemname", "title", "product", "description"), required=True),
    Field("price", "Price", ("unitprice", "itemprice", "unitcost"), required=True),
    Field("currency", "Currency", ("currencycode",), hint="Empty: the one chosen below."),
    Field("inventory", "In stock", ("stock", "onhand", "instock"), hint="Empty: not counted."),
    Field("category", "Category", ("productcategory", "group")),
    Field("description", "Description", ("longdescription", "details", "text")),
    Field("type", "Kind", ("producttype",), hint="physical, ebook, course, licence or bundle."),
    Field("status", "State", ("productstatus",), hint="draft, active or archived."),
)  # fmt: skip


def read_row(given: Mapping[str, str], options: Options, faults: Mapping[str, Problem]) -> Record:
    """Return the row as a record of its product. What it does not say is not in the record.

    Raises RowRefused.
    """
    cells = Cells(given, faults)
    sku = cells.need("sku", "The SKU", lambda c: short_text(code(c), 64), "")
    name = (
        cells.words("name", lambda c: short_text(c, 200))
        if cells.has("name")
        else cells.need("name", "The name", str, "")
    )
    _refuse_no_product(sku, name)
    currency = cells.take("currency", currency_code, options.currency)
    values: dict[str, Any] = {"sku": sku, "name": name, "currency": currency}
    values["price_minor"] = cells.need("price", "The price", partial(money, currency=currency), 0)
    _take_optional(cells, values)
    group = normal(sku)
    cells.refuse_if_wrong(group)
    if values.get("status") == "archived":
        # Next to an archived product another one may carry its SKU.
        group = f"{group}\0archived"
    return Record(group, values, notes=tuple(cells.notes))


def _take_optional(cells: Cells, values: dict[str, Any]) -> None:
    if cells.has("inventory"):
        values["inventory"] = cells.take("inventory", partial(whole, low=0, high=MAX_INVENTORY), 0)
    if cells.has("category"):
        values["category"] = cells.words("category", lambda c: short_text(c, 80))
    if cells.has("description"):
        values["description"] = cells.words("description", lambda c: long_text(c, 10_000))
    if cells.has("type"):
        values["type"] = cells.take("type", lambda c: one_of(c, TYPES), "physical")
    if cells.has("status"):
        values["status"] = cells.take("status", lambda c: one_of(c, STATUSES), "active")


def _refuse_no_product(sku: str, name: str) -> None:
    """Refuse postage and the like, which order files carry among their articles.

    Raises RowRefused.
    """
    kind = kind_of(sku, name) if name else None
    if kind is not None:
        told = f"{sku} is {kind}, no product. Importing the orders books it as such."
        raise RowRefused([Problem("not_a_product", told, "sku")])
