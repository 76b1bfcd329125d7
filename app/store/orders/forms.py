"""The words of the order pages, their forms, and the path of states that the page draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError

from app.kit import forms
from app.store.orders.models import OrderEvent, SalesOrder
from app.store.orders.schemas import MAX_LINES, NewOrder, OrderQuery, ShippingAddress
from app.store.text import normal
from app.web.format import moment

STATUS_WORDS = {
    "pending": "Pending",
    "confirmed": "Confirmed",
    "shipped": "Shipped",
    "delivered": "Delivered",
    "cancelled": "Cancelled",
}
# What the button says that leads to a state.
MOVES = {
    "confirmed": ("Confirm order", "check"),
    "shipped": ("Mark as shipped", "truck"),
    "delivered": ("Mark as delivered", "circle-check"),
    "cancelled": ("Cancel order", "ban"),
}
DONE = {
    "confirmed": "Order confirmed",
    "shipped": "Order shipped",
    "delivered": "Order delivered",
    "cancelled": "Order cancelled, stock is back",
}
LINE_WORDS = {"postage": "Postage", "fee": "Fee", "discount": "Discount", "manual": "Added by hand"}
LIST_QUERY = OrderQuery(exclude=("since", "until"))
ADDRESS_FORM = ShippingAddress()
_ORDER_FORM = NewOrder(exclude=("items", "shipping_address"))
FIRST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the path that an order takes."""

    label: str
    state: str
    text: Any = ""


@dataclass(frozen=True, slots=True)
class OrderForm:
    """The form for a new order, read: its own fields, the wanted rows by SKU, and the address or None."""

    values: dict[str, Any]
    rows: dict[int, tuple[str, int]]
    address: dict[str, str] | None
    errors: dict[str, str] = field(default_factory=dict)


def row_count(form: Mapping[str, str]) -> int:
    """Return how many rows the form shows; "Add rows" asks for three more."""
    shown = form.get("rows", "")
    count = int(shown) if shown.isdecimal() and len(shown) < 4 else FIRST_ROWS
    return min(max(count, FIRST_ROWS), MAX_LINES)


def read_order(form: Mapping[str, str]) -> OrderForm:
    """Read the form for a new order; what is wrong is collected, field by field."""
    errors: dict[str, str] = {}
    values = _load(_ORDER_FORM, form, errors)
    rows = {
        number: (row["sku"], _quantity(number, row["quantity"], errors))
        for number, row in forms.numbered_rows(form, "sku", "quantity", most=row_count(form)).items()
    }
    for number, (sku, _) in rows.items():
        if not sku:
            errors[f"sku-{number}"] = "Choose a product, or empty the row."
    if not rows:
        errors["sku-0"] = "Choose at least one product."
    return OrderForm(values, rows, read_address(form, errors), errors)


def read_address(form: Mapping[str, str], errors: dict[str, str]) -> dict[str, str] | None:
    """Return the address of a form, or None when all of it is blank."""
    if not any(form.get(name, "").strip() for name in ADDRESS_FORM.load_fields):
        return None
    return _load(ADDRESS_FORM, form, errors)


def wanted_skus(rows: Mapping[int, tuple[str, int]]) -> list[str]:
    """Return the SKUs of the rows, in order."""
    return [sku for sku, _ in rows.values()]


def unknown_skus(rows: Mapping[int, tuple[str, int]], known: Iterable[str]) -> dict[str, str]:
    """Return an error for each row whose SKU is not among `known`, which are normal forms."""
    have = set(known)
    told = "No product for sale has this SKU."
    return {f"sku-{number}": told for number, (sku, _) in rows.items() if sku and normal(sku) not in have}


def row_errors(pointers: Iterable[tuple[str, str]], rows: Mapping[int, tuple[str, int]]) -> dict[str, str]:
    """Turn pointers of the API (`#/items/0/quantity`) into the names of the form's fields."""
    numbers = list(rows)
    found = {}
    for pointer, told in pointers:
        parts = pointer.removeprefix("#/").split("/")
        if parts[0] == "items" and len(parts) == 3 and int(parts[1]) < len(numbers):
            name = "quantity" if parts[2] == "quantity" else "sku"
            found[f"{name}-{numbers[int(parts[1])]}"] = told
        else:
            found[parts[-1]] = told
    return found


def path(order: SalesOrder, events: Sequence[OrderEvent]) -> list[Step]:
    """Return the stages of `order` with the times at which they were reached."""
    reached = {event.to_status: event.at for event in reversed(events) if event.to_status}
    if order.status == "cancelled":
        return [
            Step("Placed", "done", moment(order.placed_at)),
            Step("Cancelled", "failed", moment(reached.get("cancelled"))),
        ]
    stages = ["pending", "confirmed", *(["shipped"] if order.has_parcel else []), "delivered"]
    at = stages.index(order.status) if order.status in stages else len(stages) - 1
    return [_step(order, stage, number, at, reached.get(stage)) for number, stage in enumerate(stages)]


def _step(order: SalesOrder, stage: str, number: int, at: int, when: Any) -> Step:
    label = "Placed" if stage == "pending" else STATUS_WORDS[stage]
    if number <= at:
        return Step(label, "done", moment(order.placed_at if stage == "pending" else when))
    if number == at + 1:
        return Step({"shipped": "To ship", "confirmed": "To confirm"}.get(stage, label), "now", _waiting(order, stage))
    return Step(label, "later")


def _waiting(order: SalesOrder, stage: str) -> str:
    """Return what the next stage waits for, in few words."""
    if stage == "shipped":
        parcels = sum(1 for line in order.lines if line.product_type == "physical")
        return "One line to pack" if parcels == 1 else f"{parcels} lines to pack"
    return {"confirmed": "Waits for you", "delivered": "On its way" if order.has_parcel else "Nothing to pack"}[stage]


def _quantity(number: int, text: str, errors: dict[str, str]) -> int:
    if not text:
        return 1
    if not text.isdecimal() or not 1 <= len(text) <= 7 or int(text) < 1 or int(text) > 1_000_000:
        errors[f"quantity-{number}"] = "Write a whole number, like 2."
        return 1
    return int(text)


def _load(schema: Any, form: Mapping[str, str], errors: dict[str, str]) -> dict[str, Any]:
    try:
        return forms.load(schema, form)
    except ValidationError as error:
        errors.update({name: " ".join(told) for name, told in error.messages_dict.items()})
        return error.valid_data if isinstance(error.valid_data, dict) else {}
