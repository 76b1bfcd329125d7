"""Workbooks take the same way as CSV: the same columns, the same errors, the rows by the numbers of the sheet."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from app.imports.models import ImportRun
from app.imports.tables import rows_of
from tests.imports.books import PARTS, book, raw
from tests.imports.shop import HEADER, SHOP, SHOP_ROWS
from tests.imports.support import bring_in, rows
from tests.world import House

NAMES = HEADER.split(",")


def _typed(line: str) -> list[Any]:
    """Return a row of the shop's CSV as a person's spreadsheet has it: numbers as numbers, dates as dates."""
    number, sku, name, count, at, price, customer, country = line.split(",")
    return [int(number), sku, name, int(count), datetime.fromisoformat(at), float(price), float(customer), country]


SHOP_BOOK = book(("Sales", [NAMES, *map(_typed, SHOP.splitlines()[1:])]))
_ALL = """SELECT o.external_ref, o.placed_at, o.customer_reference, o.ship_country, l.position, l.kind, l.sku,
    l.product_name, l.quantity, l.price_minor
    FROM sales_order o JOIN order_line l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    WHERE o.tenant_id = :tenant AND l.tenant_id = :tenant ORDER BY o.number, l.position"""


def _send(house: House, content: bytes, **form: Any) -> Any:
    data = {"resource": "orders", "currency": "GBP", **form, "file": (io.BytesIO(content), "sales.xlsx")}
    return house.api().post("/imports", data=data, content_type="multipart/form-data")


def test_a_workbook_brings_in_what_its_csv_does(acme: House, globex: House, tmp_path: Path) -> None:
    one = bring_in(acme, SHOP.encode(), resource="orders", tmp=tmp_path, currency="GBP")
    two = bring_in(globex, SHOP_BOOK, resource="orders", tmp=tmp_path, currency="GBP")
    assert (two.rows_imported, two.counts, two.rows_failed) == (SHOP_ROWS, one.counts, 0)
    assert rows(acme, _ALL) == rows(globex, _ALL)


def test_the_same_workbook_twice_changes_nothing(acme: House, tmp_path: Path) -> None:
    bring_in(acme, SHOP_BOOK, resource="orders", tmp=tmp_path, currency="GBP")
    again = bring_in(acme, SHOP_BOOK, resource="orders", tmp=tmp_path, currency="GBP")
    assert (again.rows_imported, again.rows_unchanged) == (0, SHOP_ROWS)


def test_a_formula_loses_its_order_and_names_its_cell(acme: House, tmp_path: Path) -> None:
    lines = [_typed(line) for line in SHOP.splitlines()[1:]]
    lines[1][3] = "=1+1"
    run = bring_in(acme, book(("Sales", [NAMES, *lines])), resource="orders", tmp=tmp_path, currency="GBP")
    assert (run.rows_read, run.rows_imported, run.rows_failed) == (SHOP_ROWS, SHOP_ROWS - 3, 3)
    found = rows(
        acme,
        "SELECT row_number, field_name, code, message FROM import_row_issue WHERE tenant_id = :tenant AND is_lost "
        "ORDER BY row_number",
    )
    assert [tuple(row)[:3] for row in found] == [
        (2, "", "same_group"), (3, "quantity", "formula_cell"), (4, "", "same_group")
    ]  # fmt: skip
    assert found[1][3] == "Cell D3 holds a formula. Put its value in its place."


def test_a_formula_in_a_column_that_is_not_used_does_no_harm(acme: House, tmp_path: Path) -> None:
    table = [["sku", "name", "price", "sum"], ["A-1", "Mug", 2.55, "=C2*3"]]
    run = bring_in(acme, book(("One", table)), resource="products", tmp=tmp_path, currency="EUR")
    assert (run.rows_imported, run.rows_failed) == (1, 0)


def test_prices_of_binary_fractions_are_exact(acme: House, tmp_path: Path) -> None:
    prices = [0.1 + 0.2, 1.1 * 3, 2.55, 1234.5, 8.2]
    table = [["sku", "name", "price"], *([f"A-{at}", "Mug", price] for at, price in enumerate(prices))]
    bring_in(acme, book(("One", table)), resource="products", tmp=tmp_path, currency="EUR")
    found = rows(acme, "SELECT price_minor FROM product WHERE tenant_id = :tenant ORDER BY sku")
    assert [row[0] for row in found] == [30, 330, 255, 123450, 820]


def test_too_many_decimals_are_refused_at_the_row(acme: House, tmp_path: Path) -> None:
    table = [["sku", "name", "price"], ["A-1", "Mug", 2.555]]
    run = bring_in(acme, book(("One", table)), resource="products", tmp=tmp_path, currency="EUR")
    assert run.rows_failed == 1


def test_the_sheet_that_fits_is_taken_and_another_can_be_chosen(acme: House) -> None:
    content = book(
        ("Notes", [["Remember", "to count"], ["the", "mugs"]]),
        ("Sales", [NAMES, *map(_typed, SHOP.splitlines()[1:4])]),
        ("More sales", [NAMES, *map(_typed, SHOP.splitlines()[4:])]),
    )
    first = _send(acme, content).json
    assert (first["sheets"], first["options"]["sheet"]) == (["Notes", "Sales", "More sales"], "Sales")
    second = _send(acme, content, sheet="More sales").json
    acme.world.drain()
    api = acme.api()
    assert [api.get(f"/imports/{run['id']}").json["rows"]["imported"] for run in (first, second)] == [3, 6]


def test_a_sheet_that_is_not_there_is_pointed_at(acme: House) -> None:
    answer = _send(acme, SHOP_BOOK, sheet="Nowhere")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/sheet")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and nothing more",
        raw({**dict.fromkeys(PARTS), "readme.txt": "A zip file."}),
        raw({"xl/worksheets/sheet1.xml": "<!DOCTYPE a><a/>"}),
        raw({"xl/worksheets/sheet1.xml": "<a>" + " " * (6 << 20) + "</a>"}),
        book(("Only", []), ("Hidden", [["sku"]]), hidden=["Hidden"]),
    ],
    ids=["cut off", "another zip", "entities", "bomb", "empty"],
)
def test_what_is_no_good_workbook_is_refused_at_the_file(acme: House, content: bytes) -> None:
    answer = _send(acme, content)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/file"]
    assert acme.api().get("/imports").json["items"] == []


def test_the_page_offers_the_sheets_and_takes_the_chosen_one(acme: House) -> None:
    window = acme.signed_in()
    content = book(("Sales", [NAMES, _typed(SHOP.splitlines()[1])]), ("Stock", [["Code", "Left"], ["A100", 3]]))
    place = window.submit("/imports/new", {"resource": "orders", "file": (io.BytesIO(content), "sales.xlsx")}).headers[
        "Location"
    ]
    page = window.get(place).text
    assert "Which sheet" in page
    assert "RED LANTERN" in page
    assert window.submit(f"{place}/draft", {"sheet": "Stock"}, form=place).status_code == 303
    page = window.get(place).text
    assert "RED LANTERN" not in page
    assert '<option value="Left"' in page
    wrong = window.submit(f"{place}/draft", {"sheet": "Secret"}, form=place)
    assert wrong.status_code == 422
    assert "no visible sheet of this name" in wrong.text


def test_failed_rows_of_a_workbook_are_a_workbook_that_can_be_corrected(acme: House, tmp_path: Path) -> None:
    table = [["sku", "name", "price"], ["007", "Mug", 2.5], ["008", "=1+1", 3], ["009", "'=Tin", "dear"]]
    run: ImportRun = bring_in(acme, book(("One", table)), resource="products", tmp=tmp_path, currency="EUR")
    assert (run.rows_imported, run.rows_failed) == (1, 2)
    sent = acme.api().get(f"/imports/{run.id}/failed-rows")
    path = tmp_path / "failed.xlsx"
    path.write_bytes(requests.get(sent.headers["Location"], timeout=10).content)
    found = [row.cells for row in rows_of(path)]
    assert found == [
        ["row", "problem", "sku", "name", "price"],
        ["3", "name: Cell B3 holds a formula. Put its value in its place.", "008", "", "3"],
        ["4", "price: “dear”: Write a number, like 14.90.", "009", "''=Tin", "dear"],
    ]
