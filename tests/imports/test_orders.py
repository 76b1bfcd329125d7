"""A file of past orders: what goes in, what is said of it, and that a second time changes nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.imports.models import ImportRun
from app.kit.desk import Job
from tenants import quotas
from tests.imports.shop import BROKEN, BROKEN_GOOD, BROKEN_ROWS, HEADER, HUGE_LINE, SHOP, SHOP_ROWS, SHOP_TOTAL
from tests.imports.support import begin, bring_in, rows, upload
from tests.world import House

_ORDERS = "SELECT count(*), sum(total_minor) FROM sales_order WHERE tenant_id = :tenant"
_LINES = """SELECT o.external_ref, l.position, l.kind, l.sku, l.product_name, l.quantity, l.price_minor
    FROM sales_order o JOIN order_line l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    WHERE o.tenant_id = :tenant AND l.tenant_id = :tenant ORDER BY o.number, l.position"""


def _import(house: House, content: bytes | str, tmp_path: Path, **options: Any) -> ImportRun:
    sent = content.encode() if isinstance(content, str) else content
    return bring_in(house, sent, resource="orders", tmp=tmp_path, **{"currency": "GBP", **options})


def _issues(house: House, run: ImportRun) -> list[tuple[int, str, bool]]:
    found = rows(
        house,
        "SELECT row_number, code, is_lost FROM import_row_issue WHERE tenant_id = :tenant AND run_id = :run "
        "ORDER BY row_number, id",
        run=run.id,
    )
    return [(number, code, lost) for number, code, lost in found]


def _balanced(run: ImportRun) -> bool:
    return run.rows_read == run.rows_imported + run.rows_unchanged + run.rows_failed


def test_a_shop_file_becomes_orders_with_equal_totals(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path)
    assert (run.rows_read, run.rows_imported, run.rows_failed) == (SHOP_ROWS, SHOP_ROWS, 0)
    [(orders, total)] = rows(acme, _ORDERS)
    assert (orders, Decimal(total) / 100) == (3, Decimal(SHOP_TOTAL))
    assert run.counts["orders_created"] == 3
    assert run.counts["products_created"] == 3


def test_each_line_keeps_its_own_price_and_name_and_nothing_is_merged(acme: House, tmp_path: Path) -> None:
    _import(acme, SHOP, tmp_path)
    lines = [tuple(line) for line in rows(acme, _LINES)]
    assert lines[1][2:] == lines[2][2:] == ("product", "A200", "BLUE MUG", 2, 339)
    assert lines[5] == ("900003", 1, "product", "A100", "RED LANTERN SALE", 10, 195)
    assert [(line[2], line[3]) for line in lines if line[2] != "product"] == [
        ("postage", "POST"), ("manual", "M"), ("fee", "BANK CHARGES")
    ]  # fmt: skip


def test_missing_products_get_the_most_frequent_name_and_price(acme: House, tmp_path: Path) -> None:
    _import(acme, SHOP, tmp_path)
    found = rows(acme, "SELECT sku, name, price_minor, inventory FROM product WHERE tenant_id = :tenant ORDER BY sku")
    assert [tuple(row) for row in found] == [
        ("A100", "RED LANTERN", 255, None), ("A200", "BLUE MUG", 339, None), ("A300", "GREEN TIN", 0, None)
    ]  # fmt: skip


def test_past_orders_are_delivered_and_paid_and_keep_date_and_customer(acme: House, tmp_path: Path) -> None:
    _import(acme, SHOP, tmp_path)
    [row] = rows(
        acme,
        "SELECT status, payment_status, placed_at, customer_reference, customer_email, ship_country, source "
        "FROM sales_order WHERE tenant_id = :tenant AND external_ref = '900002'",
    )
    assert row[:2] == ("delivered", "paid")
    # Its rows name two minutes; the earlier one counts.
    assert row[2].isoformat() == "2010-12-01T09:00:00+00:00"
    assert tuple(row[3:]) == ("12583", None, "France", "import")


def test_what_was_odd_is_noted_at_its_row(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path)
    assert _issues(acme, run) == [
        (6, "line_kind", False), (6, "date_differs", False), (8, "price_zero", False), (9, "line_kind", False),
        (10, "line_kind", False),
    ]  # fmt: skip
    assert any("repeat another row" in note and note.endswith(": 1.") for note in run.notes)


def test_the_same_file_twice_changes_nothing(acme: House, tmp_path: Path) -> None:
    _import(acme, SHOP, tmp_path)
    before = rows(acme, _LINES)
    again = _import(acme, SHOP, tmp_path)
    assert (again.rows_imported, again.rows_unchanged, again.rows_failed) == (0, SHOP_ROWS, 0)
    assert rows(acme, _LINES) == before


def test_an_order_that_is_here_with_other_lines_is_reported_and_kept(acme: House, tmp_path: Path) -> None:
    _import(acme, SHOP, tmp_path)
    run = _import(acme, SHOP.replace("900001,A100,RED LANTERN,6", "900001,A100,RED LANTERN,7"), tmp_path)
    assert (run.rows_unchanged, run.rows_failed) == (SHOP_ROWS - 3, 3)
    assert {code for _, code, lost in _issues(acme, run) if lost} == {"order_exists"}
    assert rows(acme, _ORDERS)[0][0] == 3


def test_a_trial_tells_the_same_and_writes_nothing(acme: House, tmp_path: Path) -> None:
    trial = _import(acme, SHOP, tmp_path, dry_run=True)
    assert rows(acme, _ORDERS)[0][0] == 0
    real = _import(acme, SHOP, tmp_path)
    assert (trial.rows_imported, trial.counts) == (real.rows_imported, real.counts)
    assert _issues(acme, trial) == _issues(acme, real)


def test_a_broken_file_gives_a_report_and_every_row_is_accounted_for(acme: House, tmp_path: Path) -> None:
    run = _import(acme, BROKEN, tmp_path)
    assert _balanced(run)
    assert (run.rows_read, run.rows_imported) == (BROKEN_ROWS, BROKEN_GOOD)
    lost = {number for number, _, is_lost in _issues(acme, run) if is_lost}
    assert len(lost) == run.rows_failed
    assert rows(acme, "SELECT external_ref FROM sales_order WHERE tenant_id = :tenant ORDER BY number") == [
        ("1",), ("13",), ("15",), ("20",)
    ]  # fmt: skip


def test_a_line_of_ten_megabytes_costs_its_row(acme: House, tmp_path: Path) -> None:
    run = _import(acme, HUGE_LINE, tmp_path)
    assert (run.rows_read, run.rows_imported, run.rows_failed) == (2, 1, 1)
    assert _issues(acme, run) == [(2, "line_long", True)]


def test_half_an_order_is_never_imported(acme: House, tmp_path: Path) -> None:
    run = _import(acme, BROKEN, tmp_path)
    codes = {code for _, code, _ in _issues(acme, run)}
    assert {"same_group", "order_mixed"} <= codes
    assert not rows(acme, "SELECT 1 FROM sales_order WHERE tenant_id = :tenant AND external_ref IN ('17', '18')")


def test_a_formula_stays_the_text_it_is(acme: House, tmp_path: Path) -> None:
    _import(acme, BROKEN, tmp_path)
    [(name,)] = rows(acme, "SELECT name FROM product WHERE tenant_id = :tenant AND sku = 'A13'")
    assert name == "=1+1"


def test_imported_orders_leave_the_stock_alone(acme: House, tmp_path: Path) -> None:
    bring_in(
        acme, b"sku,name,price,inventory\nA100,Lantern,2.00,5\n", resource="products", tmp=tmp_path, currency="GBP"
    )
    _import(acme, SHOP, tmp_path)
    [(inventory, name)] = rows(acme, "SELECT inventory, name FROM product WHERE tenant_id = :tenant AND sku = 'A100'")
    assert (inventory, name) == (5, "Lantern")
    assert not rows(acme, "SELECT 1 FROM order_line WHERE tenant_id = :tenant AND stock_taken")


def test_without_leave_to_make_products_orders_wait_for_them(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path, create_products=False)
    assert (run.rows_imported, run.rows_failed) == (0, SHOP_ROWS)
    assert {code for _, code, lost in _issues(acme, run) if lost} == {"product_unknown"}


def _many(orders: int) -> str:
    lines = [f"7{n:05},P{n:05},Thing {n},1,2010-12-01 08:26:00,1.00,1.0,France" for n in range(orders)]
    return "\n".join([HEADER, *lines, ""])


@pytest.mark.parametrize("dry_run", [True, False])
def test_at_the_limit_the_rest_is_reported_with_what_to_do(acme: House, tmp_path: Path, dry_run: bool) -> None:
    run = _import(acme, _many(130), tmp_path, dry_run=dry_run)
    assert (run.rows_imported, run.rows_failed) == (100, 30)
    [(message,)] = rows(
        acme,
        "SELECT DISTINCT message FROM import_row_issue WHERE tenant_id = :tenant AND run_id = :run AND is_lost",
        run=run.id,
    )
    assert "100 products" in message
    assert "Import the file again" in message
    with acme.ctx() as ctx:
        assert quotas.quota(ctx, "products").used == (0 if dry_run else 100)
        assert not quotas.recount(ctx)


def test_after_more_room_the_same_file_goes_on(acme: House, tmp_path: Path) -> None:
    _import(acme, _many(130), tmp_path)
    with acme.ctx() as ctx:
        ctx.db.connection().exec_driver_sql(
            "DELETE FROM order_line WHERE tenant_id = %s AND sku < 'P00040'", (ctx.tenant.id,)
        )
        ctx.db.connection().exec_driver_sql(
            "DELETE FROM sales_order WHERE tenant_id = %s AND external_ref < '700040'", (ctx.tenant.id,)
        )
        ctx.db.connection().exec_driver_sql(
            "DELETE FROM product WHERE tenant_id = %s AND sku < 'P00040'", (ctx.tenant.id,)
        )
        quotas.release(ctx, "products", 40)
        quotas.release(ctx, "orders", 40)
    run = _import(acme, _many(130), tmp_path)
    assert (run.rows_imported, run.rows_unchanged, run.rows_failed) == (40, 60, 30)


def test_a_file_without_rows_fails_with_a_reason(acme: House, tmp_path: Path) -> None:
    run_id = upload(acme, f"{HEADER}\n".encode(), resource="orders", tmp=tmp_path)
    job_id = begin(acme, run_id)
    acme.world.drain()
    with acme.ctx() as ctx:
        job = ctx.db.get_one(Job, (ctx.tenant.id, job_id))
        assert (job.state, job.error["code"]) == ("failed", "import.unreadable")


def test_a_cancelled_import_stops(acme: House, tmp_path: Path) -> None:
    job_id = begin(acme, upload(acme, SHOP.encode(), resource="orders", tmp=tmp_path))
    with acme.ctx() as ctx:
        ctx.db.get_one(Job, (ctx.tenant.id, job_id)).cancel_requested = True
    acme.world.drain()
    with acme.ctx() as ctx:
        assert ctx.db.get_one(Job, (ctx.tenant.id, job_id)).state == "cancelled"
    assert rows(acme, _ORDERS)[0][0] == 0


def test_a_dedicated_workspace_imports_the_same(initech: House, tmp_path: Path) -> None:
    run = _import(initech, SHOP, tmp_path)
    assert run.rows_imported == SHOP_ROWS
    assert Decimal(rows(initech, _ORDERS)[0][1]) / 100 == Decimal(SHOP_TOTAL)
