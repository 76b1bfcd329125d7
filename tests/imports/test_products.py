"""A file of products: made when new, changed when they differ, left alone when not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.imports.models import ImportRun
from tenants import quotas
from tests.imports.shop import PRODUCTS, SHOP, SHOP_ROWS
from tests.imports.support import bring_in, rows
from tests.world import House

_ALL = """SELECT sku, name, price_minor, currency, inventory, category, description, type, status
    FROM product WHERE tenant_id = :tenant ORDER BY sku"""


def _import(house: House, content: str, tmp_path: Path, **options: Any) -> ImportRun:
    return bring_in(house, content.encode(), resource="products", tmp=tmp_path, **options)


def test_products_are_made_as_the_file_says(acme: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    assert (run.rows_imported, run.rows_failed) == (3, 0)
    assert [tuple(row) for row in rows(acme, _ALL)] == [
        ("NB-1", "Harbour Lights", 3200, "EUR", 12, "Fiction", 'Two\nlines, and a "quote" in it', "physical", "active"),
        ("NB-2", "=SUM(A1)", 1490, "EUR", None, "Fiction", "", "ebook", "draft"),
        ("NB-3", "Quiet Orchard", 1500, "JPY", 0, "", "", "physical", "archived"),
    ]
    with acme.ctx() as ctx:
        assert quotas.quota(ctx, "products").used == 2
        assert not quotas.recount(ctx)


def test_the_same_file_twice_changes_nothing(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    again = _import(acme, PRODUCTS, tmp_path)
    assert (again.rows_imported, again.rows_unchanged) == (0, 3)
    versions = rows(acme, "SELECT DISTINCT row_version FROM product WHERE tenant_id = :tenant")
    assert [tuple(row) for row in versions] == [(1,)]


def test_what_differs_is_changed_and_nothing_else(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    run = _import(acme, "sku,name,price,currency\nnb-1,Harbour Lights,35.00,EUR\n", tmp_path)
    assert run.counts == {"products_updated": 1, "rows_changed": 1}
    first = tuple(rows(acme, _ALL)[0])
    assert first[:6] == ("NB-1", "Harbour Lights", 3500, "EUR", 12, "Fiction")


def test_order_lines_give_products_with_the_most_frequent_price(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path, currency="GBP")
    # Postage, the correction and the fee are no products, and the report says so.
    assert (run.rows_read, run.rows_imported, run.rows_failed) == (SHOP_ROWS, SHOP_ROWS - 3, 3)
    assert [tuple(row)[:3] for row in rows(acme, _ALL)] == [
        ("A100", "RED LANTERN", 255), ("A200", "BLUE MUG", 339), ("A300", "GREEN TIN", 0)
    ]  # fmt: skip


def test_a_wrong_row_costs_its_product_and_no_other(acme: House, tmp_path: Path) -> None:
    run = _import(acme, "sku,name,price,type\nA,One,1.00,physical\nB,Two,dear,physical\nC,Three,1,car\n", tmp_path)
    assert (run.rows_imported, run.rows_failed) == (1, 2)
    found = rows(
        acme, "SELECT row_number, field_name FROM import_row_issue WHERE tenant_id = :tenant AND is_lost ORDER BY 1"
    )
    assert [tuple(row) for row in found] == [(3, "price"), (4, "type")]


def test_the_limit_keeps_what_fits(acme: House, tmp_path: Path) -> None:
    lines = "".join(f"S{n},Thing {n},1.00\n" for n in range(105))
    run = _import(acme, f"sku,name,price\n{lines}", tmp_path)
    assert (run.rows_imported, run.rows_failed) == (100, 5)
