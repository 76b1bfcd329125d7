"""The words and choices of the import pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from babel.numbers import get_currency_name

from app.imports.mapping import Field
from app.imports.models import ImportRun
from app.imports.options import Options
from app.imports.resources import FIELDS, NAMES
from app.imports.summary import FETCHED, READ, WRITTEN
from app.kit.jobs.progress import Progress
from app.kit.money import currencies

RESOURCES = (
    {
        "value": "orders",
        "title": NAMES["orders"],
        "text": "One row for each line of an order. Missing products are made.",
    },
    {"value": "products", "title": NAMES["products"], "text": "One row for each product, found again by its SKU."},
)
ORDER_STATES = (("delivered", "Delivered and paid: past business"), ("pending", "Pending: work to do"))
DATE_ORDERS = (("", "Day first, as 31/12/2010"), ("on", "Month first, as 12/31/2010"))
_PREFIX = "column-"
_COUNTS = {
    "orders_created": ("order made", "orders made"),
    "orders_unchanged": ("order was here already", "orders were here already"),
    "products_created": ("product made", "products made"),
    "products_updated": ("product changed", "products changed"),
    "products_unchanged": ("product as it was", "products as they were"),
    "lines_without_product": ("line is postage, a fee or the like", "lines are postage, fees or the like"),
}

# Where single rows are told different things, one sentence for all of them.
_KINDS = {
    "bad_value": "A cell holds what its column cannot take",
    "cell_long": "A cell is too long",
    "columns_wrong": "The row has more or fewer columns than the header",
    "cell_beyond": "Something stands to the right of the last named column; it was left out",
    "date_differs": "The rows of an order name different dates; the earliest counts",
    "differs": "The rows of a SKU differ; what is most frequent counts",
    "error_cell": "A cell holds an error of the spreadsheet",
    "formula_cell": "A cell holds a formula; its value must stand there",
    "line_kind": "The line is no product; it was booked as postage, a fee or the like",
    "missing": "Something that is needed is missing",
    "not_a_product": "The line is postage, a fee or the like, and no product",
    "order_exists": "The order is here already with other lines",
    "order_mixed": "The rows of an order contradict each other",
    "product_unknown": "No product has this SKU",
    "same_group": "Another row of the same order or product has a problem",
}


def mapping_from(form: Mapping[str, str], fields: Any) -> dict[str, str]:
    """Return the columns that were chosen in the form."""
    return {field.name: form.get(_PREFIX + field.name, "") for field in fields}


def options_from(form: Mapping[str, str], run: ImportRun) -> dict[str, Any]:
    """Return the options that were chosen in the form, as `OptionsSchema` takes them."""
    chosen: dict[str, Any] = {
        "currency": form.get("currency", ""),
        "time_zone": form.get("time_zone", ""),
        "month_first": bool(form.get("month_first")),
    }
    if run.resource == "orders":
        chosen["create_products"] = "create_products" in form
        chosen["order_state"] = form.get("order_state", "")
    return chosen


def choices(run: ImportRun, mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the fields of the mapping form, each with the column that feeds it and what its first cells say."""
    header, rows = run.preview["header"], run.preview["rows"]
    return [_choice(field, header, rows, mapping.get(field.name, "")) for field in FIELDS[run.resource]]


def _choice(field: Field, header: list[str], rows: list[list[str]], column: str) -> dict[str, Any]:
    position = header.index(column) if column in header else None
    cells = [row[position] for row in rows if position is not None and position < len(row)]
    return {
        "name": _PREFIX + field.name,
        "label": field.label,
        "required": field.required,
        "hint": field.hint,
        "column": column,
        "example": next((cell for cell in cells if cell.strip()), ""),
        "options": [
            ("", "Choose a column" if field.required else "Not in the file"),
            *((name, name) for name in header),
        ],
    }


def errors_for_form(errors: Mapping[str, str]) -> dict[str, str]:
    """Return errors by the names that the form's controls have."""
    return {_PREFIX + name if name not in _OWN else name: told for name, told in errors.items()}


_OWN = frozenset({"currency", "time_zone", "month_first", "create_products", "order_state", ""})


def currency_options() -> list[tuple[str, str]]:
    """Return all currencies with their names."""
    return [(code, f"{code}, {get_currency_name(code, locale='en_GB')}") for code in sorted(currencies())]


def zone_options() -> list[tuple[str, str]]:
    """Return all time zones."""
    return [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]


def told_counts(run: ImportRun) -> list[str]:
    """Return the counts as phrases: "428 orders made", in a trial "428 orders to make"."""
    found = []
    for name, (one, many) in _COUNTS.items():
        count = run.counts.get(name, 0)
        if count:
            told = f"{count:,} {one if count == 1 else many}"
            found.append(told.replace(" made", " to make").replace(" changed", " to change") if run.dry_run else told)
    return found


def told_kinds(found: Mapping[str, tuple[int, bool, str]]) -> list[dict[str, Any]]:
    """Return what was found, an entry a kind: how many rows, whether they are lost, and a sentence about them all."""
    return [
        {"count": count, "lost": lost, "text": _KINDS.get(code, message)}
        for code, (count, lost, message) in found.items()
    ]


def steps(run: ImportRun, at: Progress) -> list[dict[str, str]]:
    """Return the path of an import and where on it the work is; nothing while it only waits, or when it is over."""
    if at.state != "running":
        return []
    path = (
        (0.0, "Fetch the file"),
        (FETCHED, "Read the rows"),
        (READ, f"{'Check' if run.dry_run else 'Import'} the {run.resource}"),
        (WRITTEN, "Write the report"),
    )
    now = max(place for place, (start, _) in enumerate(path) if at.progress >= start)
    states = ["done"] * now + ["now"] + ["later"] * (len(path) - now - 1)
    return [{"label": name, "state": state} for (_, name), state in zip(path, states, strict=True)]


def chosen_options(run: ImportRun) -> Options:
    """Return the options of an import."""
    return Options.of(run.options)


def sheet_options(run: ImportRun) -> list[tuple[str, str]]:
    """Return the sheets of a workbook that has several."""
    sheets = run.preview.get("sheets", ())
    return [(sheet["name"], sheet["name"]) for sheet in sheets] if len(sheets) > 1 else []


def remembered_at(run: ImportRun) -> datetime | None:
    """Return when the columns that are offered were chosen, or None when they are guessed."""
    found = run.preview.get("remembered")
    return datetime.fromisoformat(found) if found else None


def told_undoing(counts: Mapping[tuple[str, str, str], int]) -> list[str]:
    """Return what an undoing did, as phrases: "412 orders removed"."""
    phrases = (
        (("order", "created", "undone"), ("order removed", "orders removed")),
        (("product", "created", "undone"), ("product removed", "products removed")),
        (("product", "changed", "undone"), ("product put back", "products put back")),
    )
    found = [(counts.get(key, 0), words) for key, words in phrases]
    return [f"{count:,} {one if count == 1 else many}" for count, (one, many) in found if count]
