"""The main job, as a new user does it: sign up, import sales, work with them, reach a limit, export everything."""

from __future__ import annotations

import csv
import io
import re
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import sales
from tests.journeys.conftest import Site
from tests.web.conftest import findings
from tests.world import PASSWORD

pytestmark = pytest.mark.browser


def sign_up(page: Page, site: Site, *, tier: str) -> str:
    """Open a workspace through the form and sign in; return its slug."""
    slug = f"harbour-{uuid.uuid4().hex[:8]}"
    page.goto(site.url("/signup"))
    page.get_by_label("Company name").fill("Harbour Press")
    page.get_by_label("Web address").fill(slug)
    expect(page.get_by_text("is free")).to_be_visible()
    page.get_by_label("Work e-mail").fill(f"ada@{slug}.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator(f"input[name=tier][value={tier}]").check(force=True)
    page.get_by_role("button", name="Open workspace").click()
    page.get_by_role("link", name="Go to Harbour Press").or_(page.get_by_label("E-mail")).first.wait_for()
    page.goto(site.url("/signin", slug))
    page.get_by_label("E-mail").fill(f"ada@{slug}.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/home"))
    return slug


def import_sales(page: Page, site: Site, slug: str, tmp_path: Path) -> None:
    """Bring the file in: columns guessed, a dry run first, then for good."""
    file = tmp_path / "sales.csv"
    file.write_bytes(sales.as_csv())
    page.goto(site.url("/imports/new?resource=orders", slug))
    page.locator("input[name=resource][value=orders]").check(force=True)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Choose the columns").click()
    page.locator("select[name=currency]").select_option("GBP")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import these rows").click(timeout=60_000)
    expect(page.get_by_text("Imported", exact=True).first).to_be_visible(timeout=60_000)
    expect(page.locator("main")).to_contain_text(f"{sales.total():,}", timeout=60_000)


def export(page: Page, site: Site, slug: str, resource: str) -> bytes:
    """Take a resource out as CSV and return the file."""
    page.goto(site.url("/exports/new", slug))
    page.locator(f"input[name=resource][value={resource}]").check(force=True)
    page.locator("input[name=format][value=csv]").check(force=True)
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download(timeout=60_000) as caught:
        page.get_by_role("link", name="Download the file").click(timeout=60_000)
    return Path(caught.value.path()).read_bytes()


def bring_back(page: Page, site: Site, slug: str, resource: str, file: bytes, tmp_path: Path) -> None:
    """Import an exported file into the workspace that it came from: nothing changes."""
    path = tmp_path / f"{resource}.csv"
    path.write_bytes(file)
    page.goto(site.url("/imports/new", slug))
    page.locator(f"input[name=resource][value={resource}]").check(force=True)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Choose the columns").click()
    page.get_by_role("button", name="Import without a check").click()
    facts = page.locator("main")
    expect(facts.get_by_text("Here already")).to_be_visible(timeout=60_000)
    shown = re.sub(r"\s+", " ", facts.inner_text())
    assert re.search(r"Imported 0 ", shown), shown
    assert re.search(r"Not imported 0", shown), shown


def in_rows(file: bytes) -> list[dict[str, str]]:
    """Read a CSV file."""
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))


@pytest.mark.parametrize("tier", ["premium", "enterprise"])
def test_a_company_brings_its_sales_works_with_them_and_takes_them_out(
    page: Page, site: Site, tmp_path: Path, tier: str
) -> None:
    slug = sign_up(page, site, tier=tier)
    import_sales(page, site, slug, tmp_path)

    page.goto(site.url("/products", slug))
    for _, name, _ in sales.PRODUCTS:
        expect(page.get_by_role("link", name=name).first).to_be_visible()
    page.goto(site.url("/orders", slug))
    expect(page.get_by_role("row")).to_have_count(sales.INVOICES + 1)

    page.goto(site.url("/products/new", slug))
    page.get_by_label("Name").fill("Harbour Lights")
    page.get_by_label("SKU").fill("HL-1")
    page.get_by_label("Price").fill("32.00")
    page.get_by_label("In stock").fill("5")
    page.get_by_role("button", name=re.compile("(Add|Create|Save).*product", re.IGNORECASE)).click()
    expect(page.get_by_text("Harbour Lights added")).to_be_visible()

    token = site.api("POST", "/auth/signin", slug=slug, json={"email": f"ada@{slug}.example", "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    found = site.api("GET", "/products?q=Harbour", slug=slug, headers=bearer).json()["items"]
    placed = site.api(
        "POST", "/orders", slug=slug, headers={**bearer, "Idempotency-Key": uuid.uuid4().hex},
        json={"customer_email": "buyer@example.com", "items": [{"product_id": found[0]["id"], "quantity": 2}],
              "shipping_address": {"street": "1 Quay", "city": "Leith", "state": "", "zip": "EH6", "country": "GB"}},
    )  # fmt: skip
    assert placed.status_code == 201, placed.text
    assert placed.json()["total_amount"] == "64.00"

    page.goto(site.url(f"/orders/{placed.json()['id']}", slug))
    page.get_by_role("button", name=re.compile("^Confirm")).click()
    page.get_by_role("button", name=re.compile("shipped")).click()
    page.get_by_role("button", name=re.compile("delivered")).click()
    expect(page.get_by_text("Delivered").first).to_be_visible()
    after = site.api("GET", f"/products/{found[0]['id']}", slug=slug, headers=bearer).json()
    assert after["inventory"] == 3

    products = export(page, site, slug, "products")
    assert {row["sku"] for row in in_rows(products)} == {code for code, _, _ in sales.PRODUCTS} | {"HL-1"}
    lines = export(page, site, slug, "order_lines")
    sold = sum(Decimal(row["unit_price"]) * int(row["quantity"]) for row in in_rows(lines))
    assert sold == sales.total() + Decimal("64.00")
    bring_back(page, site, slug, "products", products, tmp_path)


def test_at_the_limit_the_page_and_the_api_say_what_to_do(page: Page, site: Site) -> None:
    slug = sign_up(page, site, tier="basic")
    token = site.api("POST", "/auth/signin", slug=slug, json={"email": f"ada@{slug}.example", "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    made = 0
    while made < 100:
        body = {"name": f"Product {made}", "sku": f"P-{made}", "price": "1.00", "currency": "EUR"}
        answer = site.api("POST", "/products", slug=slug, headers=bearer, json=body)
        made += answer.status_code == 201
        assert answer.status_code in (201, 429), answer.text
    refused = site.api(
        "POST", "/products", slug=slug, headers=bearer,
        json={"name": "One more", "sku": "P-100", "price": "1.00", "currency": "EUR"},
    )  # fmt: skip
    assert (refused.status_code, refused.json()["code"]) == (402, "limit.exceeded")
    page.goto(site.url("/products/new", slug))
    expect(page.locator("main")).to_contain_text("100")
    page.goto(site.url("/settings/plan", slug))
    expect(page.get_by_text("limit for products is reached")).to_be_visible()
    page.locator("input[name=tier][value=premium]").check(force=True)
    page.get_by_role("button", name="Change plan").click()
    again = site.api(
        "POST", "/products", slug=slug, headers=bearer,
        json={"name": "One more", "sku": "P-100", "price": "1.00", "currency": "EUR"},
    )  # fmt: skip
    assert again.status_code == 201, again.text


def test_the_mailed_link_confirms_the_address_and_invites_a_colleague(page: Page, site: Site) -> None:
    slug = sign_up(page, site, tier="basic")
    address = f"ada@{slug}.example"
    page.wait_for_function("true")
    link = _link(page, site, address, "/verify-email/")
    page.goto(link)
    page.get_by_role("button", name=re.compile("Confirm")).click()
    page.goto(site.url("/people", slug))
    page.get_by_label("E-mail").first.fill(f"bob@{slug}.example")
    page.get_by_role("button", name=re.compile("Invite|Send")).first.click()
    page.goto(_link(page, site, f"bob@{slug}.example", "/invitations/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Harbour Press")


def _link(page: Page, site: Site, to: str, kind: str) -> str:
    """Wait for a mail to `to` and return the link of that kind in it."""
    for _ in range(100):
        for mail in site.mails(to):
            found = re.search(rf"http://\S*{kind}[^\s\"<]+", str(mail))
            if found:
                return found.group(0)
        page.wait_for_timeout(100)
    raise AssertionError(f"no mail to {to} with {kind}")


PAGES = [
    "/home", "/products", "/products/new", "/orders", "/orders/new", "/imports", "/imports/new", "/exports", "/people",
    "/settings", "/settings/brand", "/settings/plan", "/account", "/jobs", "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_finding_or_scrolls_sideways(site: Site, page: Page, scheme: str) -> None:
    slug = sign_up(page, site, tier="premium")
    state = page.context.storage_state()
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(storage_state=state, color_scheme=scheme, bypass_csp=True,  # type: ignore[arg-type]
                                  viewport={"width": 390, "height": 844})  # fmt: skip
    look = context.new_page()
    wrong = []
    for path in PAGES:
        look.goto(site.url(path, slug))
        wrong += [f"{path} {finding}" for finding in findings(look)]
        if look.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{path} scrolls sideways")
    for path in ("/", "/signup", "/find", "/api/docs"):
        look.goto(site.url(path))
        wrong += [f"{path} {finding}" for finding in findings(look)]
    context.close()
    assert wrong == []
