"""Exports as workbooks: numbers as numbers, texts that never run, and back in without a change."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.files.cells import looks_like_formula
from app.files.sheets import SheetWriter
from app.imports.tables import rows_of
from tests.exports.support import export, table
from tests.exports.test_exports import HOSTILE
from tests.imports.shop import PRODUCTS, SHOP, SHOP_ROWS
from tests.imports.support import bring_in
from tests.world import House, World

RESOURCES = ("products", "orders", "order_lines")
_OWN = ("id", "number", "created_at", "updated_at")


@pytest.fixture(scope="module")
def shop(world: World, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a tenant with past orders and all kinds of products."""
    return _filled(world.tenant("acme"), tmp_path_factory.mktemp("shop"))


def _filled(house: House, tmp_path: Path) -> House:
    for content in (PRODUCTS, HOSTILE):
        bring_in(house, content.encode(), resource="products", tmp=tmp_path)
    bring_in(house, SHOP.encode(), resource="orders", tmp=tmp_path, currency="GBP")
    return house


def _book(house: House, resource: str) -> bytes:
    return export(house, resource=resource, format_="xlsx")[1]


def _cells(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_workbook_says_what_the_csv_says(shop: House, tmp_path: Path, resource: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(_book(shop, resource))
    header, *found = [row.cells for row in rows_of(path)]
    wanted = table(export(shop, resource=resource)[1])
    assert header == list(wanted[0])
    for ours, theirs in zip(found, wanted, strict=True):
        for cell, (name, said) in zip(ours or [], theirs.items(), strict=True):
            is_amount = name in ("price", "order_total", "unit_price", "line_total") and said
            assert (Decimal(cell) == Decimal(said)) if is_amount else (cell == said), name


def test_amounts_and_counts_are_numbers_and_codes_are_texts(shop: House) -> None:
    header, *found = _cells(_book(shop, "order_lines"))
    first = dict(zip(header, found[0], strict=True))
    assert (first["quantity"], first["unit_price"], first["line_total"]) == (6, 2.55, 15.3)
    assert (first["reference"], first["customer_reference"]) == ("900001", "17850")


def test_amounts_show_the_decimals_of_their_currency(shop: House) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(_book(shop, "products"))).active
    header = [cell.value for cell in sheet[1]]
    formats = {row[0].value: row[header.index("price")].number_format for row in sheet.iter_rows(min_row=2)}
    assert (formats["NB-1"], formats["NB-3"]) == ("0.00", "0")


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_cell_of_a_workbook_runs_in_a_spreadsheet(shop: House, resource: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(_book(shop, resource))).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    # Nor when somebody saves it as CSV and opens that.
    assert not [cell.value for cell in cells if isinstance(cell.value, str) and looks_like_formula(cell.value)]


@pytest.mark.parametrize("tier", ["basic", "enterprise"])
def test_a_workbook_changes_nothing_where_it_came_from(world: World, tmp_path: Path, tier: str) -> None:
    house = _filled(world.tenant("acme", tier=tier), tmp_path)
    run = bring_in(house, _book(house, "products"), resource="products", tmp=tmp_path)
    assert (run.rows_unchanged, run.rows_failed) == (run.rows_read, 0)
    run = bring_in(house, _book(house, "order_lines"), resource="orders", tmp=tmp_path)
    assert (run.rows_unchanged, run.rows_failed) == (SHOP_ROWS, 0)


def test_a_workbook_comes_back_equal_in_another_workspace(shop: House, world: World, tmp_path: Path) -> None:
    other = world.tenant("globex", tier="premium")
    for resource, source in (("products", "products"), ("orders", "order_lines")):
        assert bring_in(other, _book(shop, source), resource=resource, tmp=tmp_path).rows_failed == 0
    for resource in RESOURCES:
        mine, theirs = table(export(shop, resource=resource)[1]), table(export(other, resource=resource)[1])
        assert _without_own(mine) == _without_own(theirs)


def test_an_empty_shop_exports_a_header(globex: House) -> None:
    assert _cells(_book(globex, "products"))[0][:3] == ["sku", "name", "type"]


def test_what_one_sheet_cannot_hold_goes_on_in_the_next(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with SheetWriter(path, "Rows", most=3) as sheet:
        sheet.header(["n"])
        for number in range(5):
            sheet.add([Decimal(number)])
    book = openpyxl.load_workbook(path)
    assert {page.title: [row[0] for row in page.iter_rows(values_only=True)] for page in book} == {
        "Rows": ["n", 0, 1], "Rows 2": ["n", 2, 3], "Rows 3": ["n", 4]
    }  # fmt: skip


def _without_own(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in _OWN} for row in found]
