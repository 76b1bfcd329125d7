"""Exports: every row once, exact amounts, nothing that a spreadsheet runs, and back in as equal data."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.files.cells import looks_like_formula
from tests.exports.support import export, table
from tests.imports.shop import PRODUCTS, SHOP, SHOP_ROWS, SHOP_TOTAL
from tests.imports.support import bring_in
from tests.world import House, World

# Made anew by each workspace: they cannot be equal.
_OWN = ("id", "number", "created_at", "updated_at")
HOSTILE = """sku,name,price,currency,category,description
=1+1,"=HYPERLINK(""http://x"")",1.00,GBP,+cat,"-minus, and ""quotes""
and a line"
@S,'plain quote,2.00,GBP,'=double,"\tTab first"
ü-1,"ＮＡＭＥ ＝ wide",1500,JPY,,＝wide
"""


@pytest.fixture(scope="module")
def shop(world: World, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a tenant with past orders and all kinds of products."""
    return _filled(world.tenant("acme"), tmp_path_factory.mktemp("shop"))


def _filled(house: House, tmp_path: Path) -> House:
    bring_in(house, PRODUCTS.encode(), resource="products", tmp=tmp_path)
    bring_in(house, HOSTILE.encode(), resource="products", tmp=tmp_path)
    bring_in(house, SHOP.encode(), resource="orders", tmp=tmp_path, currency="GBP")
    return house


def _without_own(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in _OWN} for row in rows]


def test_a_csv_of_lines_sums_up_to_the_orders(shop: House) -> None:
    run, content = export(shop, resource="order_lines")
    lines = table(content)
    assert run.row_count == len(lines) == SHOP_ROWS
    assert sum(Decimal(line["line_total"]) for line in lines) == Decimal(SHOP_TOTAL)
    orders = table(export(shop, resource="orders")[1])
    assert sum(Decimal(order["order_total"]) for order in orders) == Decimal(SHOP_TOTAL)
    assert [order["reference"] for order in orders] == ["900001", "900002", "900003"]


def test_instants_are_in_utc_and_amounts_have_their_decimals(shop: House) -> None:
    line = table(export(shop, resource="order_lines")[1])[0]
    assert line["placed_at"] == "2010-12-01T08:26:00+00:00"
    assert (line["unit_price"], line["line_total"]) == ("2.55", "15.30")
    by_sku = {row["sku"]: row for row in table(export(shop, resource="products")[1])}
    assert (by_sku["NB-3"]["price"], by_sku["NB-1"]["price"]) == ("1500", "32.00")


@pytest.mark.parametrize("resource", ["products", "orders", "order_lines"])
def test_all_formats_hold_the_same(shop: House, resource: str) -> None:
    plain = [json.loads(line) for line in export(shop, resource=resource, format_="ndjson")[1].splitlines()]
    frame = pq.read_table(io.BytesIO(export(shop, resource=resource, format_="parquet")[1]))
    moments = [field.name for field in frame.schema if pa.types.is_timestamp(field.type)]
    typed = [{**row, **{name: datetime.fromisoformat(row[name]) for name in moments}} for row in plain]
    assert frame.to_pylist() == typed
    rows = table(export(shop, resource=resource)[1])
    assert [list(row) for row in rows] == [list(row) for row in plain]
    assert len(rows) == len(plain)


def test_no_cell_of_a_csv_runs_in_a_spreadsheet(shop: House) -> None:
    for resource in ("products", "orders", "order_lines"):
        content = export(shop, resource=resource)[1].decode()
        cells = [cell for row in csv.reader(io.StringIO(content, newline="")) for cell in row]
        assert not [cell for cell in cells if looks_like_formula(cell)]


def test_json_and_parquet_hold_what_was_written(shop: House) -> None:
    found = [json.loads(line) for line in export(shop, resource="products", format_="ndjson")[1].splitlines()]
    named = {row["sku"]: row for row in found}
    assert named["=1+1"]["description"] == '-minus, and "quotes"\nand a line'
    assert named["@S"]["category"] == "=double"


@pytest.mark.parametrize("tier", ["premium", "enterprise"])
def test_what_was_exported_comes_back_equal_in_another_workspace(
    shop: House, world: World, tmp_path: Path, tier: str
) -> None:
    other = world.tenant("globex", tier=tier)
    products, lines = (export(shop, resource=name)[1] for name in ("products", "order_lines"))
    run = bring_in(other, products, resource="products", tmp=tmp_path)
    assert run.rows_failed == 0
    run = bring_in(other, lines, resource="orders", tmp=tmp_path)
    assert (run.rows_failed, run.counts["orders_created"]) == (0, 3)
    for resource in ("products", "orders", "order_lines"):
        mine, theirs = table(export(shop, resource=resource)[1]), table(export(other, resource=resource)[1])
        assert _without_own(mine) == _without_own(theirs)


@pytest.mark.parametrize("tier", ["basic", "enterprise"])
def test_what_was_exported_changes_nothing_where_it_came_from(world: World, tmp_path: Path, tier: str) -> None:
    house = _filled(world.tenant("acme", tier=tier), tmp_path)
    with house.ctx() as ctx:
        # An order of the shop's own has no number of another system; its id stands for it.
        ctx.db.connection().exec_driver_sql(
            "UPDATE sales_order SET external_ref = NULL WHERE tenant_id = %s AND external_ref = '900003'",
            (ctx.tenant.id,),
        )
    run = bring_in(house, export(house, resource="products")[1], resource="products", tmp=tmp_path)
    assert (run.rows_unchanged, run.rows_failed) == (run.rows_read, 0)
    run = bring_in(house, export(house, resource="order_lines")[1], resource="orders", tmp=tmp_path)
    assert (run.rows_unchanged, run.rows_failed) == (SHOP_ROWS, 0)


def test_filters_choose_rows(shop: House) -> None:
    _, content = export(shop, resource="orders", placed_from="2010-12-01", placed_to="2010-12-01")
    assert [row["reference"] for row in table(content)] == ["900001", "900002"]
    assert table(export(shop, resource="orders", status="pending")[1]) == []
    _, content = export(shop, resource="products", status="archived")
    assert [row["sku"] for row in table(content)] == ["NB-3"]
    _, content = export(shop, resource="products", category="Fiction")
    assert [row["sku"] for row in table(content)] == ["NB-1", "NB-2"]


def test_an_empty_shop_exports_a_header(globex: House) -> None:
    run, content = export(globex, resource="products")
    assert run.row_count == 0
    assert content.decode().startswith("sku,name,type,status,price,currency,inventory,")
    assert export(globex, resource="products", format_="ndjson")[1] == b""
    assert pq.read_table(io.BytesIO(export(globex, resource="products", format_="parquet")[1])).num_rows == 0


def test_another_workspace_exports_none_of_it(shop: House, globex: House) -> None:
    assert table(export(globex, resource="order_lines")[1]) == []
