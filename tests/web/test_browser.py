"""The pages in a real Chromium: policy, accessibility, width, keyboard, and what script adds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.web.conftest import complaints, findings

pytestmark = pytest.mark.browser

PAGES = ["/", "/signup", "/signup?tier=premium", "/find", "/_parts", "/nothing-here"]
DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_accessible_and_fit_the_screen(
    chromium: Browser, live: str, scheme: str, size: dict[str, int]
) -> None:
    context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, has_touch=size is PHONE)
    page = context.new_page()
    for path in PAGES:
        page.goto(live + path)
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()


def test_pages_break_no_rule_of_the_policy(chromium: Browser, live: str) -> None:
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    told = complaints(page)
    for path in PAGES[:-1]:
        page.goto(live + path)
        page.wait_for_load_state("networkidle")
    assert told == []
    context.close()


def test_htmx_put_into_a_page_by_others_does_nothing(chromium: Browser, live: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(live + "/_parts")
    page.evaluate(
        """() => {
            const planted = document.createElement('a');
            planted.setAttribute('hx-post', '/csp-report');
            planted.setAttribute('hx-trigger', 'load');
            document.body.append(planted);
            htmx.process(planted);
        }"""
    )
    assert page.evaluate("document.body.lastElementChild.getAttributeNames()") == []
    page.context.close()


def test_the_address_follows_the_company_name_until_it_is_touched(chromium: Browser, live: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(live + "/signup")
    page.fill("#f-company_name", "Harbour & Söhne Press")
    expect(page.locator("#f-slug")).to_have_value("harbour-and-sohne-press")
    expect(page.locator("#f-slug-line")).to_contain_text("is free")
    page.fill("#f-slug", "www")
    expect(page.locator("#f-slug-line.bad")).to_be_visible()
    page.fill("#f-company_name", "Another")
    expect(page.locator("#f-slug")).to_have_value("www")
    page.context.close()


def test_a_refused_form_without_script_keeps_its_values_and_names_each_field(chromium: Browser, live: str) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(live + "/signup")
    page.fill("#f-company_name", "Harbour Press")
    page.fill("#f-slug", "a")
    page.fill("#f-password", "short")
    page.click("button:has-text('Open workspace')")
    expect(page.locator(".summary a")).to_have_count(page.locator("[aria-invalid=true]").count())
    expect(page.locator("#f-company_name")).to_have_value("Harbour Press")
    expect(page.locator("#f-password")).to_have_value("")
    page.context.close()


def test_rows_menus_dialogs_and_keys_work(chromium: Browser, live: str) -> None:
    page = chromium.new_context(viewport=DESKTOP).new_page()
    page.goto(live + "/_parts")
    page.check("[data-check-all]")
    expect(page.locator("[data-count]")).to_have_text("3 selected")
    page.uncheck("tbody .check input >> nth=0")
    expect(page.locator("[data-count]")).to_have_text("2 selected")
    page.click("summary[aria-label=More]")
    expect(page.get_by_text("Delete product")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Delete product")).to_be_hidden()
    page.click("[data-dialog=refund]")
    assert page.evaluate("document.getElementById('refund').matches(':modal')")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.context.close()


def test_the_bulk_bar_shows_without_script(chromium: Browser, live: str) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(live + "/_parts")
    expect(page.locator(".bulk")).to_be_hidden()
    page.check("tbody .check input >> nth=1")
    expect(page.locator(".bulk")).to_be_visible()
    page.context.close()


def test_a_form_is_sent_once_however_often_it_is_clicked(chromium: Browser, live: str) -> None:
    page = chromium.new_context(viewport=DESKTOP).new_page()
    page.goto(live + "/_parts")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.route(
        lambda _: True, lambda route: route.fulfill(status=204) if route.request.method == "POST" else route.fallback()
    )
    page.dblclick("text=Undo")
    page.wait_for_function("document.querySelector('.b[aria-busy=true]') !== null")
    assert len(sent) == 1
    page.context.close()


def test_the_theme_changes_at_once_and_stays(chromium: Browser, live: str) -> None:
    page = chromium.new_context(color_scheme="light").new_page()
    page.goto(live + "/")
    page.click("[data-theme-toggle]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.context.close()
