"""The shell and the pages inside a workspace, in a real Chromium, signed in as a person would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import complaints, findings
from tests.world import PASSWORD

pytestmark = pytest.mark.browser

PAGES = [
    "/home", "/products", "/orders", "/people", "/account", "/imports", "/settings", "/settings/brand",
    "/settings/plan", "/search?q=set",
]  # fmt: skip


@pytest.fixture
def address(live: str, acme: Any) -> str:
    """Return the address of acme's workspace."""
    return live.replace("localhost", acme.host)


def sign_in(page: Page, address: str, email: str) -> None:
    """Sign in by the form."""
    page.goto(f"{address}/signin")
    page.fill("#f-email", email)
    page.fill("#f-password", PASSWORD)
    page.click("button:has-text('Sign in')")
    page.wait_for_url("**/home")


@pytest.fixture(params=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, address: str, acme: Any) -> Iterator[Page]:
    """Return a page of alice, signed in; its policy is bypassed, so that axe-core can be put in."""
    size = {"width": 390, "height": 844} if request.param == "phone" else {"width": 1360, "height": 900}
    context = chromium.new_context(viewport=size, bypass_csp=True, has_touch=request.param == "phone")
    opened = context.new_page()
    sign_in(opened, address, acme.owner_email)
    yield opened
    context.close()


def test_every_page_is_accessible_and_fits(page: Page, address: str) -> None:
    for path in PAGES:
        answer = page.goto(address + path)
        assert answer
        assert answer.status == 200, path
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_pages_break_no_rule_of_the_policy(chromium: Browser, address: str, acme: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    told = complaints(page)
    sign_in(page, address, acme.owner_email)
    for path in PAGES:
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
    assert told == []
    context.close()


def test_the_shell_shows_where_one_is_and_who(chromium: Browser, address: str, acme: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, address, acme.owner_email)
    page.goto(f"{address}/settings/brand")
    expect(page.locator(".rail [aria-current]")).to_have_text("Settings")
    expect(page.locator(".side [aria-current]")).to_have_text("Brand")
    expect(page.locator(".rail .space")).to_contain_text("Acme")
    page.keyboard.press("Control+k")
    page.keyboard.type("plan")
    page.keyboard.press("Enter")
    expect(page.locator("main a:has-text('Plan and usage')")).to_be_visible()
    context.close()


def test_an_ended_session_is_said_over_the_unchanged_page(chromium: Browser, address: str, acme: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, address, acme.owner_email)
    page.goto(f"{address}/settings/brand")
    context.clear_cookies()
    page.fill("#f-colour", "#ffd400")
    expect(page.get_by_role("dialog")).to_contain_text("You were signed out")
    expect(page.locator("#f-colour")).to_have_value("#ffd400")
    context.close()
