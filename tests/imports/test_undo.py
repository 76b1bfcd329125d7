"""An import is undone as far as nothing depends on it; what stays is named, with the reason."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from app.imports import undo_jobs, undoing
from app.imports.errors import CannotUndo
from app.imports.models import ImportRun
from app.kit.clock import utcnow
from app.kit.desk import Job, Outbox
from app.store.orders import service as orders
from app.store.products import service as products
from tenants import quotas
from tests.imports.shop import PRODUCTS, SHOP
from tests.imports.support import bring_in, rows
from tests.world import House

NEWER = """sku,name,price,currency,inventory,category
NB-1,Harbour Lights II,35.00,GBP,20,Poetry
NB-2,Almanac,14.90,EUR,7,Fiction
NB-9,Tin,1.00,EUR,3,
"""
_PRODUCTS = """SELECT sku, name, price_minor, currency, inventory, category, description, type, status
    FROM product WHERE tenant_id = :tenant ORDER BY sku"""
_ORDERS = "SELECT count(*) FROM sales_order WHERE tenant_id = :tenant"


def _import(house: House, content: str, tmp_path: Path, resource: str = "products", **options: Any) -> ImportRun:
    run: ImportRun = bring_in(house, content.encode(), resource=resource, tmp=tmp_path, **options)
    return run


def _undo(house: House, run: ImportRun) -> ImportRun:
    with house.ctx() as ctx:
        job_id = undoing.start(ctx, run_id=run.id).undo_job_id
    house.world.drain()
    with house.ctx() as ctx:
        job = ctx.db.get_one(Job, (ctx.tenant.id, job_id))
        assert job.state == "succeeded", (job.state, job.error)
        return ctx.db.get_one(ImportRun, (ctx.tenant.id, run.id))


def _kept(house: House, run: ImportRun) -> dict[str, str]:
    found = house.api().get(f"/imports/{run.id}/changes", query_string={"undo_state": "kept"}).json["items"]
    return {change["label"]: change["undo_note"] for change in found}


def _product_id(house: House, sku: str) -> UUID:
    found: UUID = rows(house, "SELECT id FROM product WHERE tenant_id = :tenant AND sku = :sku", sku=sku)[0][0]
    return found


def _counted_right(house: House) -> bool:
    with house.ctx() as ctx:
        return not quotas.recount(ctx)


def test_what_was_made_goes_and_what_was_changed_is_put_back(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    before = rows(acme, _PRODUCTS)
    run = _import(acme, NEWER, tmp_path)
    assert rows(acme, _PRODUCTS) != before
    undone = _undo(acme, run)
    assert rows(acme, _PRODUCTS) == before
    assert undone.undone_at is not None
    assert _kept(acme, run) == {}
    assert _counted_right(acme)


def test_the_stock_ledger_agrees_after_an_undoing(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    _undo(acme, _import(acme, NEWER, tmp_path))
    differing = rows(
        acme,
        "SELECT p.sku FROM product p WHERE p.tenant_id = :tenant AND p.stock_opened AND p.inventory IS NOT NULL AND "
        "p.inventory <> coalesce((SELECT sum(m.quantity) FROM stock_movement m WHERE m.tenant_id = :tenant "
        "AND m.product_id = p.id), 0)",
    )
    assert differing == []


def test_orders_go_with_the_products_that_were_made_for_them(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path, resource="orders", currency="GBP")
    _undo(acme, run)
    assert rows(acme, _ORDERS) == [(0,)]
    for table in ("order_line", "order_event", "product"):
        assert rows(acme, f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant") == [(0,)]
    assert _counted_right(acme)
    # The same file goes in again as if it had never been there.
    again = _import(acme, SHOP, tmp_path, resource="orders", currency="GBP")
    assert again.counts == run.counts


def test_what_was_changed_since_stays_and_the_reason_names_the_field(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    run = _import(acme, NEWER, tmp_path)
    with acme.ctx() as ctx:
        products.update_product(ctx, product_id=_product_id(acme, "NB-1"), changes={"price_minor": 4000})
        products.update_product(ctx, product_id=_product_id(acme, "NB-9"), changes={"name": "Tin box"})
        # What the import did not touch may change.
        products.update_product(ctx, product_id=_product_id(acme, "NB-2"), changes={"description": "New"})
    _undo(acme, run)
    assert _kept(acme, run) == {"NB-1": "Its price was changed since.", "NB-9": "Its name was changed since."}
    assert [tuple(row)[:3] for row in rows(acme, _PRODUCTS)] == [
        ("NB-1", "Harbour Lights II", 4000), ("NB-2", "=SUM(A1)", 1490), ("NB-3", "Quiet Orchard", 1500),
        ("NB-9", "Tin box", 100),
    ]  # fmt: skip


def test_a_product_that_another_order_has_stays_and_names_the_order(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path, resource="orders", currency="GBP")
    _import(acme, SHOP.replace("90000", "80000"), tmp_path, resource="orders", currency="GBP")
    _undo(acme, run)
    assert rows(acme, _ORDERS) == [(3,)]
    kept = _kept(acme, run)
    assert set(kept) == {"A100", "A200", "A300"}
    assert kept["A100"] == "Order 1004 has it."
    assert _counted_right(acme)


def test_an_order_that_somebody_worked_on_stays_with_its_products(acme: House, tmp_path: Path) -> None:
    run = _import(acme, SHOP, tmp_path, resource="orders", currency="GBP", order_state="pending")
    [(order_id,)] = rows(acme, "SELECT id FROM sales_order WHERE tenant_id = :tenant AND external_ref = '900002'")
    with acme.ctx() as ctx:
        orders.move_order(ctx, order_id=order_id, to="confirmed")
    [(noted,)] = rows(acme, "SELECT id FROM sales_order WHERE tenant_id = :tenant AND external_ref = '900003'")
    with acme.ctx() as ctx:
        orders.add_note(ctx, order_id=noted, text="Call before noon.")
    _undo(acme, run)
    kept = _kept(acme, run)
    assert set(kept) == {"900002", "900003", "A100", "A300"}
    assert kept["A100"] == "Order 1002 has it."
    assert _counted_right(acme)


def test_what_is_gone_already_needs_no_reason(acme: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    with acme.ctx() as ctx:
        products.remove_product(ctx, product_id=_product_id(acme, "NB-1"))
    _undo(acme, run)
    assert rows(acme, _PRODUCTS) == []
    assert _kept(acme, run) == {}
    assert _counted_right(acme)


def test_a_changed_product_that_was_deleted_is_named(acme: House, tmp_path: Path) -> None:
    _import(acme, PRODUCTS, tmp_path)
    run = _import(acme, NEWER, tmp_path)
    with acme.ctx() as ctx:
        products.remove_product(ctx, product_id=_product_id(acme, "NB-1"))
    _undo(acme, run)
    assert _kept(acme, run) == {"NB-1": "It was deleted since."}


def test_imports_are_undone_one_after_the_other_in_reverse(acme: House, tmp_path: Path) -> None:
    first = _import(acme, PRODUCTS, tmp_path)
    second = _import(acme, NEWER, tmp_path)
    _undo(acme, second)
    _undo(acme, first)
    assert rows(acme, _PRODUCTS) == []
    assert _counted_right(acme)


def test_a_stopped_import_can_be_undone_too(acme: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    with acme.ctx() as ctx:
        ctx.db.execute(
            update(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == run.job_id).values(state="cancelled")
        )
    _undo(acme, run)
    assert rows(acme, _PRODUCTS) == []


def test_the_event_tells_how_much_went_and_how_much_stayed(acme: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    with acme.ctx() as ctx:
        products.update_product(ctx, product_id=_product_id(acme, "NB-1"), changes={"name": "Other"})
    _undo(acme, run)
    with acme.world.worker_runtime.platform() as session:
        wanted = select(Outbox).where(Outbox.tenant_id == acme.tenant.id, Outbox.type == "imports.run.undone.v1")
        found = session.scalars(wanted).all()
        assert [(row.aggregate_id, row.payload["undone"], row.payload["kept"]) for row in found] == [(run.id, 2, 1)]


def test_a_trial_a_draft_an_old_one_and_an_undone_one_cannot_be_undone(acme: House, tmp_path: Path) -> None:
    trial = _import(acme, PRODUCTS, tmp_path, dry_run=True)
    real = _import(acme, PRODUCTS, tmp_path)
    same = _import(acme, PRODUCTS, tmp_path)
    for run, why in ((trial, "only looked at"), (same, "changed nothing")):
        with acme.ctx() as ctx, pytest.raises(CannotUndo, match=why):
            undoing.start(ctx, run_id=run.id)
    answer = acme.api().post(f"/imports/{trial.id}/undoing")
    assert (answer.status_code, answer.json["code"]) == (409, "import.cannot_undo")
    with acme.ctx() as ctx:
        statement = text("UPDATE import_run SET created_at = :at WHERE tenant_id = :tenant AND id = :id")
        ctx.db.execute(statement, {"at": utcnow() - timedelta(days=31), "tenant": ctx.tenant.id, "id": real.id})
        with pytest.raises(CannotUndo, match="30 days"):
            undoing.start(ctx, run_id=real.id)
        ctx.db.execute(statement, {"at": utcnow(), "tenant": ctx.tenant.id, "id": real.id})
        # Asked twice, it is done once.
        assert undoing.start(ctx, run_id=real.id).undo_job_id == undoing.start(ctx, run_id=real.id).undo_job_id
    acme.world.drain()
    with acme.ctx() as ctx, pytest.raises(CannotUndo, match="undone already"):
        undoing.start(ctx, run_id=real.id)


def test_the_page_offers_it_and_then_says_what_stayed(acme: House, tmp_path: Path) -> None:
    run = _import(acme, PRODUCTS, tmp_path)
    with acme.ctx() as ctx:
        products.update_product(ctx, product_id=_product_id(acme, "NB-1"), changes={"name": "Other"})
    window, place = acme.signed_in(), f"/imports/{run.id}"
    assert "Undo this import" in window.get(place).text
    assert window.submit(f"{place}/undo", {}, form=place).status_code == 303
    assert "Undoing the import" in window.get(place).text
    acme.world.drain()
    page = window.get(place).text
    assert "2 products removed." in page
    assert "Undo this import" not in page
    assert "Its name was changed since." in window.get(f"{place}/changes?view=kept").text
    assert ", undone" in window.get("/imports").text
    assert window.submit(f"{place}/undo", {}, form=place).status_code == 303


class Stopped(Exception):
    """The worker went away."""


def test_stopped_between_any_two_batches_it_goes_on_and_ends_the_same(
    acme: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(acme, PRODUCTS, tmp_path)
    before = rows(acme, _PRODUCTS)
    run = _import(acme, NEWER, tmp_path)
    monkeypatch.setattr(undo_jobs, "BATCH", 1)
    real, worked = undoing.undo_batch, 0

    def stops(*args: Any, **values: Any) -> None:
        nonlocal worked
        real(*args, **values)
        worked += 1
        # Every second batch is lost before it commits, and is done again.
        if worked % 2:
            raise Stopped

    monkeypatch.setattr(undoing, "undo_batch", stops)
    with acme.ctx() as ctx:
        job_id = undoing.start(ctx, run_id=run.id).undo_job_id
    attempts = 0
    for _ in range(8):
        acme.world.drain()
        attempts += 1
        with acme.ctx() as ctx:
            if ctx.db.get_one(Job, (ctx.tenant.id, job_id)).state == "succeeded":
                break
            ctx.db.execute(update(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job_id).values(run_at=utcnow()))
    assert attempts == 4
    assert rows(acme, _PRODUCTS) == before
    assert _kept(acme, run) == {}
    assert _counted_right(acme)


def test_a_dedicated_workspace_undoes_the_same(initech: House, tmp_path: Path) -> None:
    run = _import(initech, SHOP, tmp_path, resource="orders", currency="GBP")
    _undo(initech, run)
    assert rows(initech, _ORDERS) == [(0,)]
    assert _counted_right(initech)


def test_what_can_be_undone_no_more_is_let_go_of(acme: House, tmp_path: Path) -> None:
    old = _import(acme, PRODUCTS, tmp_path)
    with acme.ctx() as ctx:
        statement = text("UPDATE import_run SET created_at = :at WHERE tenant_id = :tenant AND id = :id")
        ctx.db.execute(statement, {"at": utcnow() - timedelta(days=31), "tenant": ctx.tenant.id, "id": old.id})
    new = _import(acme, NEWER, tmp_path)
    assert rows(acme, "SELECT DISTINCT run_id FROM import_change WHERE tenant_id = :tenant") == [(new.id,)]
