"""A row of an order file: one line of one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from app.imports.cells import Cells
from app.imports.mapping import Field
from app.imports.options import Options, latest
from app.imports.problems import Problem, note
from app.imports.spool import Record
from app.imports.values import (
    BadCell,
    code,
    currency_code,
    email,
    instant,
    long_text,
    money,
    one_of,
    short_text,
    whole,
)
from app.store.text import normal

FIELDS = (
    Field("reference", "Order number", ("invoiceno", "invoicenumber", "ordernumber", "orderno", "orderid", "invoice",
                                        "order"), required=True, hint="Rows with the same one are one order."),
    Field("placed_at", "Order date", ("invoicedate", "orderdate", "date", "createdat"), required=True),
    Field("sku", "SKU", ("stockcode", "itemcode", "productcode", "articlenumber", "code", "item"), required=True),
    Field("product_name", "Product name", ("description", "productname", "itemname", "name", "title", "product")),
    Field("quantity", "Quantity", ("qty", "count", "units"), required=True),
    Field("unit_price", "Price of one", ("price", "itemprice", "unitcost"), required=True),
    Field("currency", "Currency", ("currencycode",), hint="Empty: the one chosen below."),
    Field("kind", "Kind of line", ("linekind",), hint="product, postage, fee, discount or manual."),
    Field("customer_email", "Customer’s e-mail", ("email", "mail", "customermail", "buyeremail")),
    Field("customer_name", "Customer’s name", ("customer", "buyer", "fullname")),
    Field("customer_reference", "Customer number", ("customerid", "customerno", "customernumber", "clientid")),
    Field("country", "Country", ("shippingcountry", "shipcountry", "region")),
    Field("street", "Street", ("shippingstreet", "address", "shipstreet")),
    Field("city", "City", ("shippingcity", "town", "shipcity")),
    Field("state", "State or county", ("shippingstate", "county", "shipstate")),
    Field("zip", "Postcode", ("shippingzip", "postcode", "zipcode", "postalcode", "shipzip")),
    Field("status", "State of the order", ("orderstatus",), hint="Empty: the one chosen below."),
    Field("payment_status", "State of payment", ("payment", "paymentstate")),
    Field("note", "Note", ("ordernote", "comment", "notes")),
)  # fmt: skip

STATUSES = ("pending", "confirmed", "shipped", "delivered", "cancelled")
PAYMENTS = ("unpaid", "paid", "refunded")
KINDS = ("product", "postage", "fee", "discount", "manual")
# A correction may lower the total.
_SIGNED_KINDS = ("discount", "manual")
MAX_QUANTITY = 1_000_000
MAX_LINES = 1_000
_TEXTS = {"customer_name": 200, "customer_reference": 100, "country": 60, "street": 200, "city": 100, "state": 100,
          "zip": 20}  # fmt: skip


def read_row(given: Mapping[str, str], options: Options, now: datetime, faults: Mapping[str, Problem]) -> Record:
    """Return the row as a record of its order.

    Raises RowRefused.
    """
    cells = Cells(given, faults)
    reference = cells.need("reference", "The order number", lambda c: short_text(code(c), 100), "")
    values = _line(cells, options)
    values["reference"] = reference
    when = partial(instant, dates=options.dates(), latest=latest(now))
    placed_at = cells.need("placed_at", "The order date", when, now)
    values["placed_at"] = placed_at.isoformat()
    values.update(_order(cells))
    cells.refuse_if_wrong(reference)
    if values["price"] == 0:
        cells.notes.append(note("price_zero", "The price is 0; the line was taken as it is.", "unit_price"))
    return Record(reference, values, normal(values["sku"]), values["name"], values["price"], tuple(cells.notes))


def _line(cells: Cells, options: Options) -> dict[str, Any]:
    kind = cells.take("kind", lambda c: one_of(c, KINDS), "")
    currency = cells.take("currency", currency_code, options.currency)
    if kind in ("", "product"):
        sku = cells.need("sku", "The SKU", lambda c: short_text(code(c), 64), "")
    else:
        sku = cells.words("sku", lambda c: short_text(c, 64))
    return {
        "kind": kind,
        "sku": sku,
        "name": cells.words("product_name", lambda c: short_text(c, 200)),
        "quantity": cells.need("quantity", "The quantity", partial(whole, low=1, high=MAX_QUANTITY), 1),
        "price": cells.need("unit_price", "The price", partial(_price, currency=currency, kind=kind), 0),
        "currency": currency,
    }


def _order(cells: Cells) -> dict[str, Any]:
    found: dict[str, Any] = {
        "customer_email": cells.take("customer_email", email, ""),
        "status": cells.take("status", lambda c: one_of(c, STATUSES), ""),
        "payment_status": cells.take("payment_status", lambda c: one_of(c, PAYMENTS), ""),
        "note": cells.words("note", lambda c: long_text(c, 2000)),
    }
    for name, longest in _TEXTS.items():
        found[name] = cells.words(name, partial(_text, longest=longest))
    return found


def _text(cell: str, *, longest: int) -> str:
    return short_text(code(cell), longest)


def _price(cell: str, *, currency: str, kind: str) -> int:
    text = cell.strip()
    if text.startswith("-") and kind in _SIGNED_KINDS:
        return -money(text[1:], currency)
    if text.startswith("-"):
        raise BadCell("A price cannot be negative.")
    return money(text, currency)
