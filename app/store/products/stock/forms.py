"""The words of the stock pages, and their forms."""

from __future__ import annotations

from collections.abc import Mapping

from app.kit import forms
from app.store.products.stock.models import MAX_PART_QUANTITY, MAX_PARTS
from app.store.products.stock.schemas import NewMovement

MOVEMENT_FORM = NewMovement()
KIND_OPTIONS = [("received", "Came in"), ("lost", "Lost or broken"), ("counted", "Counted: so many are there")]
# What each movement is called, and its icon.
KIND_WORDS = {
    "opening": ("There from the start", "package"),
    "received": ("Came in", "plus"),
    "counted": ("Counted", "check"),
    "ordered": ("Ordered", "receipt"),
    "released": ("Back from an order", "arrow-back-up"),
    "returned": ("Returned", "arrow-back-up"),
    "lost": ("Lost or broken", "minus"),
}
MIN_ROWS = 3


def row_count(form: Mapping[str, str], filled: int) -> int:
    """Return how many rows the form of a bundle shows."""
    shown = form.get("rows", "")
    count = int(shown) if shown.isdecimal() and len(shown) < 3 else filled + 1
    return min(max(count, MIN_ROWS, filled), MAX_PARTS)


def read_parts(form: Mapping[str, str], rows: int) -> tuple[dict[int, tuple[str, int]], dict[str, str]]:
    """Read the rows of a bundle's form: `{row: (SKU, quantity)}`, and what is wrong by field."""
    found: dict[int, tuple[str, int]] = {}
    errors: dict[str, str] = {}
    for number, row in forms.numbered_rows(form, "sku", "quantity", most=rows).items():
        quantity = row["quantity"] or "1"
        if not row["sku"]:
            errors[f"sku-{number}"] = "Choose a product, or empty the row."
        elif not quantity.isdecimal() or len(quantity) > 4 or not 1 <= int(quantity) <= MAX_PART_QUANTITY:
            errors[f"quantity-{number}"] = f"Write a whole number from 1 to {MAX_PART_QUANTITY:,}."
        else:
            found[number] = (row["sku"], int(quantity))
    return found, errors
