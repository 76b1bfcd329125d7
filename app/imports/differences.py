"""What an import makes and changes, in words: for the pages of the diff and of the undoing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.imports.models import ImportChange
from app.web.format import money, number

_LABELS = {
    "name": "Name",
    "price_minor": "Price",
    "inventory": "In stock",
    "category": "Category",
    "description": "Description",
    "type": "Kind",
    "status": "State",
}
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class View:
    """One list of an import's changes: its address, what it shows, and its name in a trial and afterwards."""

    key: str
    kind: str
    action: str
    planned: str
    done: str


VIEWS = (
    View("changed", "product", "changed", "Products to change", "Products changed"),
    View("products", "product", "created", "Products to make", "Products made"),
    View("orders", "order", "created", "Orders to make", "Orders made"),
)
KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a product: what it is called, what is there and what the file says."""

    field: str
    old: str
    new: str


def differences(change: ImportChange) -> list[Difference]:
    """Return the fields of a changed product that differ."""
    pairs = [
        (name, _value(name, change.before), _value(name, change.after)) for name in _LABELS if name in change.after
    ]
    return [Difference(_LABELS[name], old, new) for name, old, new in pairs if old != new]


def told(change: ImportChange) -> str:
    """Return what was made, in one line."""
    after = change.after
    if change.kind == "order":
        lines = after["lines"]
        return f"{number(lines)} {'line' if lines == 1 else 'lines'}, {money(after['total_minor'], after['currency'])}"
    name = after.get("name", "")
    return f"{name}, {money(after['price_minor'], after['currency'])}".removeprefix(", ")


def _value(name: str, values: Mapping[str, Any]) -> str:
    value = values[name]
    if name == "price_minor":
        return money(value, values["currency"])
    if name == "inventory":
        return "not counted" if value is None else number(value)
    return f"{value[:_LONGEST]}…" if len(value) > _LONGEST else str(value)
