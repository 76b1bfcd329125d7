"""The pages of imports and exports in a real Chromium: a workbook from upload to undoing, and every state of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.imports import undoing
from app.store.products import service as products
from tests.imports.books import book
from tests.imports.shop import BROKEN, PRODUCTS
from tests.imports.support import bring_in, rows, upload
from tests.imports.test_changes import NEWER
from tests.store.test_browser import sign_in
from tests.web.conftest import complaints, findings
from tests.world import House

pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
STOCK = [["sku", "name", "price", "inventory"], ["NB-1", "Harbour Lights", 35.5, 9], ["NB-7", "Lantern", 4.25, 3]]
SHEETS = book(("Notes", [["Count", "again"], ["on", "Monday"]]), ("Stock", [*STOCK, ["NB-8", "=A1", 2, 1]]))


@pytest.fixture(scope="module")
def shop(world: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[House, list[str]]:
    """Return a tenant with imports in every state, and the addresses of their pages."""
    house, tmp = world.tenant("harbour"), tmp_path_factory.mktemp("shop")
    bring_in(house, PRODUCTS.encode(), resource="products", tmp=tmp)
    trial = bring_in(house, NEWER.encode(), resource="products", tmp=tmp, dry_run=True)
    broken = bring_in(house, BROKEN, resource="orders", tmp=tmp, currency="GBP")
    real = bring_in(house, NEWER.encode(), resource="products", tmp=tmp)
    with house.ctx() as ctx:
        [(product_id,)] = rows(house, "SELECT id FROM product WHERE tenant_id = :tenant AND sku = 'NB-9'")
        products.update_product(ctx, product_id=product_id, changes={"name": "Tin box"})
    with house.ctx() as ctx:
        undoing.start(ctx, run_id=real.id)
    world.drain()
    remembered = upload(house, NEWER.encode(), resource="products", tmp=tmp)
    sheets = upload(house, SHEETS, resource="products", tmp=tmp, name="stock.xlsx")
    views = [f"/imports/{trial.id}/changes", f"/imports/{trial.id}/changes?view=products"]
    runs = [f"/imports/{run}" for run in (trial.id, broken.id, real.id, remembered, sheets)]
    kept = f"/imports/{real.id}/changes?view=kept"
    return house, ["/imports", "/imports/new", "/exports", "/exports/new", *runs, *views, kept]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_accessible_and_fit_the_screen(
    chromium: Browser, live: str, shop: tuple[House, list[str]], scheme: Any, size: Any
) -> None:
    house, pages = shop
    context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, has_touch=size is PHONE)
    page = context.new_page()
    site = sign_in(page, live, house)
    for path in pages:
        page.goto(site + path)
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()


def _upload(page: Page, site: str, file: Path) -> None:
    page.goto(f"{site}/imports/new?resource=products")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Choose the columns").click()


def test_a_workbook_is_checked_compared_imported_and_undone(
    chromium: Browser, live: str, world: Any, tmp_path: Path
) -> None:
    house = world.tenant("lantern")
    bring_in(house, PRODUCTS.encode(), resource="products", tmp=tmp_path)
    before = rows(house, "SELECT sku, name, price_minor, inventory FROM product WHERE tenant_id = :tenant ORDER BY sku")
    file = tmp_path / "stock.xlsx"
    file.write_bytes(SHEETS)
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    site = sign_in(page, live, house)
    told = complaints(page)

    _upload(page, site, file)
    # The sheet that fits was taken; another can be, and this one again.
    expect(page.get_by_label("Sheet")).to_have_value("Stock")
    page.get_by_label("Sheet").select_option("Notes")
    page.get_by_role("button", name="Take this sheet").click()
    expect(page.get_by_role("cell", name="Monday")).to_be_visible()
    page.get_by_label("Sheet").select_option("Stock")
    page.get_by_role("button", name="Take this sheet").click()
    page.locator("select[name=currency]").select_option("EUR")
    page.get_by_role("button", name="Check the file").click()
    world.drain()
    page.get_by_role("link", name="See what would change").click()
    expect(page.get_by_role("row", name="NB-1")).to_contain_text(["€32.00", "12"])
    expect(page.get_by_text("€35.50")).to_be_visible()
    page.get_by_role("link", name="Products to make").click()
    expect(page.get_by_role("row", name="NB-7")).to_contain_text("Lantern, €4.25")
    page.get_by_role("button", name="Import these rows").click()
    world.drain()
    expect(page.get_by_text("Cell B4 holds a formula.")).to_be_visible()
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download these rows").click()
    assert caught.value.suggested_filename == "stock not imported.xlsx"
    assert len(rows(house, "SELECT 1 FROM product WHERE tenant_id = :tenant")) == 4
    page.get_by_role("button", name="Undo this import").click()
    expect(page.get_by_role("heading", name="Undoing the import")).to_be_visible()
    world.drain()
    expect(page.get_by_text("Nothing of this import is left.")).to_be_visible()
    after = rows(house, "SELECT sku, name, price_minor, inventory FROM product WHERE tenant_id = :tenant ORDER BY sku")
    assert after == before

    _upload(page, site, file)
    expect(page.get_by_text("A file with these columns came before")).to_be_visible()
    assert told == []
    context.close()


def test_a_file_is_imported_and_undone_without_script_on_a_phone(
    chromium: Browser, live: str, world: Any, tmp_path: Path
) -> None:
    house = world.tenant("lantern")
    file = tmp_path / "stock.csv"
    file.write_text(NEWER)
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    site = sign_in(page, live, house)
    _upload(page, site, file)
    page.get_by_role("button", name="Import without a check").click()
    world.drain()
    page.reload()
    page.get_by_role("link", name="See what changed").click()
    expect(page.get_by_text("Harbour Lights II, €35.00")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Undo this import").click()
    world.drain()
    page.reload()
    expect(page.get_by_text("3 products removed.")).to_be_visible()
    assert rows(house, "SELECT 1 FROM product WHERE tenant_id = :tenant") == []
    context.close()
