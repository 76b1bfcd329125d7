"""From the rows of one order to the order: what its rows agree on, and what to do where they do not."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from app.imports.importer import Outcome
from app.imports.options import Options
from app.imports.problems import Problem, note
from app.imports.rules import kind_of
from app.imports.spool import Group
from app.store.orders.transfer import LineRow, OrderRow
from app.store.text import normal

MAX_TOTAL = 10**15
# An order has one of each; two different ones mean that two orders were called the same.
_ONE = {
    "currency": "currencies",
    "customer_email": "customers",
    "customer_reference": "customers",
    "status": "states",
    "payment_status": "states of payment",
}
_TEXTS = ("customer_email", "customer_name", "customer_reference", "street", "city", "state", "zip", "country", "note")
_PAID = frozenset({"confirmed", "shipped", "delivered"})


def contradiction(group: Group) -> Problem | None:
    """Return what makes it impossible to say which order this is, or None."""
    for name, called in _ONE.items():
        found = {values[name] for _, values in group.rows if values[name]}
        if len(found) > 1:
            one, other = sorted(found)[:2]
            return Problem(
                "order_mixed",
                f"Not imported: the rows of order {group.key} name two {called}, {one} and {other}.",
                name,
            )
    total = sum(values["quantity"] * values["price"] for _, values in group.rows)
    if not 0 <= total <= MAX_TOTAL:
        return Problem("order_total", f"Not imported: the total of order {group.key} is negative or too large.")
    return None


def line_kind(values: dict[str, Any], known: Container[str]) -> str:
    """Return the kind of a line: what the file says, what its code and name say, or else a product."""
    if values["kind"]:
        return str(values["kind"])
    if normal(values["sku"]) in known:
        return "product"
    return kind_of(values["sku"], values["name"]) or "product"


def order_of(group: Group, lines: tuple[LineRow, ...], options: Options, outcome: Outcome) -> OrderRow:
    """Return the order; of dates that differ the earliest counts, of other texts the first, and a note says so."""
    dates = {row: datetime.fromisoformat(values["placed_at"]) for row, values in group.rows}
    placed_at = min(dates.values())
    later = [row for row, at in dates.items() if at != placed_at]
    if later:
        outcome.say(later, note("date_differs", f"Order {group.key} has an earlier date too; that one counts.",
                                "placed_at"))  # fmt: skip
    texts = {name: _first(group, name) for name in _TEXTS}
    status = _first(group, "status") or options.order_state
    payment = _first(group, "payment_status") or ("paid" if status in _PAID else "unpaid")
    currency = str(group.rows[0][1]["currency"])
    return OrderRow(group.key, placed_at, currency, status, payment, lines, **texts)


def _first(group: Group, name: str) -> str:
    return next((values[name] for _, values in group.rows if values[name]), "")
