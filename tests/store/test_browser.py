"""The pages of the store in a real Chromium: policy, accessibility, width, and what script adds."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.store.orders import placing, service
from app.store.products.stock import service as stock
from app.store.products.stock.offer import Wish
from tests.store.support import make
from tests.web.conftest import complaints, findings
from tests.world import PASSWORD

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def stocked(world: Any) -> tuple[Any, list[str]]:
    """Return a tenant with products and orders in many states, and the addresses of its pages."""
    house = world.tenant("northlight")
    with house.ctx() as ctx:
        book = make(ctx, name="Harbour Lights, hardcover", inventory=12, category="Fiction", description="A long walk.")
        make(ctx, name="Almanac 2024", sku="NB-1977", status="draft", type="ebook")
        make(ctx, name="Letters from the Salt Road", sku="NB-1990-H", inventory=0)
        course = make(ctx, name="Safe Handling of Pressure Vessels", sku="NB-C-118", type="course", price_minor=24000)
        address = {"street": "Oudegracht 118", "city": "Utrecht", "zip": "3511 AW", "country": "NL"}
        wishes = [Wish(book.id, 1), Wish(course.id, 1)]
        orders = [
            placing.place_order(
                ctx, customer_email="ada@brook.example", customer_name="Ada Brook", items=wishes,
                shipping_address=address if number else None,
            )
            for number in range(4)
        ]  # fmt: skip
        for order, path in zip(orders, ([], ["confirmed"], ["confirmed", "shipped"], ["cancelled"]), strict=True):
            for to in path:
                service.move_order(ctx, order_id=order.id, to=to)
        service.add_note(ctx, order_id=orders[1].id, text="Copy 12 has a bent corner, I took number 11 for Ada.")
        box = make(ctx, name="Evening box", sku="NB-BOX", type="bundle")
        stock.set_parts(ctx, bundle_id=box.id, parts=[(book.id, 1)])
        stock.adjust_stock(ctx, product_id=book.id, kind="received", quantity=30, note="Delivery 7731")
    pages = ["/products", f"/products?open={book.id}", "/products?q=zzz", "/products/new", f"/products/{book.id}"]
    pages += [f"/products/{book.id}/stock", f"/products/{course.id}/stock", f"/products/{box.id}/parts"]
    pages += ["/orders", "/orders?status=delivered", "/orders/new", *(f"/orders/{order.id}" for order in orders)]
    return house, pages


def sign_in(page: Page, live: str, house: Any) -> str:
    """Sign alice in and return the address of the workspace."""
    site = live.replace("localhost", house.host)
    page.goto(f"{site}/signin")
    page.get_by_label("E-mail").fill(house.owner_email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/home")
    return site


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_accessible_and_fit_the_screen(
    chromium: Browser, live: str, stocked: tuple[Any, list[str]], scheme: str, size: dict[str, int]
) -> None:
    house, pages = stocked
    context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, has_touch=size is PHONE)
    page = context.new_page()
    site = sign_in(page, live, house)
    for path in pages:
        page.goto(site + path)
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()


def test_pages_break_no_rule_of_the_policy(chromium: Browser, live: str, stocked: tuple[Any, list[str]]) -> None:
    house, pages = stocked
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    site = sign_in(page, live, house)
    told = complaints(page)
    for path in pages:
        page.goto(site + path)
        page.wait_for_load_state("networkidle")
    assert told == []
    context.close()


def test_products_are_opened_beside_the_list_archived_and_taken_back(
    chromium: Browser, live: str, stocked: tuple[Any, list[str]]
) -> None:
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    told = complaints(page)
    site = sign_in(page, live, stocked[0])
    page.goto(f"{site}/products")
    page.evaluate("window.here = true")
    page.get_by_role("link", name="Harbour Lights, hardcover").click()
    expect(page.get_by_role("heading", name="Harbour Lights, hardcover")).to_be_visible()
    assert page.evaluate("window.here"), "the list stayed where it was"
    assert "open=" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("[data-panel]")).to_have_count(0)
    page.get_by_label("Select Almanac 2024").check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("1 product archived")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 product restored")).to_be_visible()
    assert told == []
    context.close()


def test_an_order_is_placed_and_confirmed_without_script(
    chromium: Browser, live: str, stocked: tuple[Any, list[str]]
) -> None:
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    site = sign_in(page, live, stocked[0])
    page.goto(f"{site}/orders/new")
    page.get_by_label("Product 1").fill("nb-c-118")
    page.get_by_role("button", name="Add rows").click()
    expect(page.get_by_label("Product 1")).to_have_value("nb-c-118")
    page.get_by_label("Product 5").fill("nb-1")
    page.get_by_label("Quantity").nth(4).fill("2")
    page.get_by_label("E-mail").fill("bo@b.example")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("€304.00").first).to_be_visible()
    page.get_by_role("button", name="Confirm order").click()
    expect(page.get_by_text("Order confirmed")).to_be_visible()
    context.close()
