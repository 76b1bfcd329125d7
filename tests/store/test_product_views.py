"""The pages of products, as a browser without script sees them."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from app.store.orders import placing
from app.store.products import queries as products
from app.store.products import service
from app.store.products.stock.offer import Wish
from tests.store.support import counting, make

FORM = {
    "name": "Harbour Lights", "sku": "NB-1", "type": "physical", "category": "Fiction", "description": "Two\r\nlines",
    "price": "32.00", "currency": "EUR", "inventory": "5", "status": "active",
}  # fmt: skip


@pytest.fixture
def shop(acme: Any) -> Any:
    """Return alice's browser."""
    return acme.signed_in()


def version_in(page: str) -> str:
    """Return the version that the page's form carries."""
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None, page
    return found.group(1)


def all_products(house: Any) -> list[Any]:
    """Return the tenant's products, by name."""
    with house.ctx() as ctx:
        return list(products.list_products(ctx, filters=products.ProductFilter(sort="name"), limit=100).items)


def test_an_empty_shop_says_what_to_do_first(shop: Any) -> None:
    page = shop.get("/products").text
    assert "No products yet" in page
    assert "/products/new" in page
    assert "No orders yet" in shop.get("/orders").text
    assert "Nothing to order yet" in shop.get("/orders/new").text


def test_a_product_is_added_by_form_and_found_in_the_list(shop: Any, acme: Any) -> None:
    answer = shop.submit("/products/new", FORM)
    assert answer.status_code == 303, answer.text
    [made] = all_products(acme)
    assert (made.name, made.price_minor, made.inventory, made.description) == (
        "Harbour Lights", 3200, 5, "Two\nlines",
    )  # fmt: skip
    page = shop.get("/products").text
    assert "Harbour Lights added" in page
    assert "€32.00" in page
    assert "5 left" in page


def test_a_refused_form_keeps_every_word_and_says_what_to_do(shop: Any, acme: Any) -> None:
    wrong = FORM | {"price": "a lot", "inventory": "few", "name": "  ", "category": "<b>Kept</b>"}
    answer = shop.submit("/products/new", wrong)
    assert answer.status_code == 422
    assert "Write a number, like 14.90." in answer.text
    assert "Write a whole number" in answer.text
    assert "3 things need a change" in answer.text
    assert "&lt;b&gt;Kept&lt;/b&gt;" in answer.text
    assert 'value="a lot"' in answer.text
    assert all_products(acme) == []


def test_a_taken_sku_is_said_at_the_field(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx)
    answer = shop.submit("/products/new", FORM)
    assert answer.status_code == 422
    assert "Another product has the SKU NB-1" in answer.text
    assert 'href="#f-sku"' in answer.text


def test_saving_over_someone_elses_change_shows_both_versions(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
    path = f"/products/{product.id}"
    version = version_in(shop.get(path).text)
    with acme.ctx() as ctx:
        service.update_product(ctx, product_id=product.id, changes={"name": "Theirs"})
    answer = shop.submit(path, FORM | {"name": "Mine", "version": version})
    assert answer.status_code == 412
    assert "Theirs" in answer.text
    assert "Mine" in answer.text
    again = shop.submit(path, FORM | {"name": "Mine", "version": version_in(answer.text), "again": "yes"})
    assert 'value="Mine"' in again.text
    assert all_products(acme)[0].name == "Theirs"
    saved = shop.submit(path, FORM | {"name": "Mine", "version": version_in(again.text)})
    assert saved.status_code == 303
    assert all_products(acme)[0].name == "Mine"


def test_a_forgotten_version_is_refused(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
    assert shop.submit(f"/products/{product.id}", FORM | {"name": "Mine"}).status_code != 303
    assert all_products(acme)[0].name == "Harbour Lights"


def test_many_are_archived_and_the_toast_takes_it_back(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        made = [make(ctx, sku=f"S{number}") for number in range(3)]
    ids = [str(product.id) for product in made]
    answer = shop.submit("/products/bulk?status=active", {"action": "archive", "id": ids[:2]}, form="/products")
    assert answer.headers["Location"].endswith("/products?status=active")
    page = shop.get("/products").text
    assert "2 products archived" in page
    assert "Undo" in page
    assert [row.status for row in all_products(acme)].count("archived") == 2
    undo = re.search(r'name="ids" value="([^"]+)"', page)
    assert undo is not None
    shop.submit("/products/bulk", {"action": "restore", "ids": undo.group(1)}, form="/products")
    assert {row.status for row in all_products(acme)} == {"active"}


def test_the_panel_shows_one_product_beside_the_list(shop: Any, acme: Any, globex: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx, inventory=0, description="Long ago")
    with globex.ctx() as ctx:
        foreign = make(ctx, name="Secret of globex")
    page = shop.get(f"/products?open={product.id}").text
    assert "data-panel" in page
    assert "Long ago" in page
    for other in (foreign.id, uuid4(), "x"):
        assert "data-panel" not in shop.get(f"/products?open={other}").text


def test_views_filters_and_pages_of_products(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(60):
            make(ctx, sku=f"S{number:02}", name=f"Name {number:02}", inventory=number)
        make(ctx, sku="D", name="Some draft", status="draft", type="ebook")
    first = shop.get("/products").text
    assert "Name 00" in first
    assert "Name 55" not in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = shop.get(following.group(1).replace("&amp;", "&")).text
    assert "Name 55" in second
    assert 'rel="prev"' in second
    assert "Some draft" in shop.get("/products?status=draft").text
    assert "Name 00" not in shop.get("/products?type=ebook").text
    low = shop.get("/products?stock=low").text
    assert "Name 10" in low
    assert "Name 11" not in low
    assert "No product matches" in shop.get("/products?q=zzz").text
    for strange in ("status=boat", "sort=%00", "limit=x", "q=%F0%28", "category=" + "x" * 500):
        assert shop.get(f"/products?{strange}").status_code == 200
    assert shop.get("/products?cursor=made-up").status_code == 303


def test_a_full_plan_shows_the_limit_and_the_way_on(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(100):
            make(ctx, sku=f"S{number}")
    page = shop.get("/products/new").text
    assert "/settings/plan" in page
    assert "100" in page
    answer = shop.submit("/products/new", FORM)
    assert answer.status_code == 402
    assert 'value="Harbour Lights"' in answer.text


def test_pages_of_another_tenant_are_not_there(shop: Any, globex: Any) -> None:
    with globex.ctx() as ctx:
        product = make(ctx)
        order = placing.place_order(ctx, customer_email="a@b.example", items=[Wish(product.id, 1)])
    for path in (f"/products/{product.id}", f"/orders/{order.id}"):
        assert shop.get(path).status_code == 404
    for path in (f"/orders/{order.id}/move", f"/orders/{order.id}/notes", f"/products/{product.id}/delete"):
        assert (
            shop.submit(path, {"to": "confirmed", "text": "x", "version": "1"}, form="/products/new").status_code == 404
        )


@pytest.mark.parametrize("path", ["/products", "/orders"])
def test_a_list_costs_the_same_queries_however_long(shop: Any, acme: Any, path: str) -> None:
    def fill(first: int, last: int) -> None:
        with acme.ctx() as ctx:
            for number in range(first, last):
                product = make(ctx, sku=f"S{number}", name=f"N{number}")
                placing.place_order(ctx, customer_email="a@b.example", items=[Wish(product.id, 1)])

    fill(0, 1)
    shop.get(path)
    with counting() as few:
        shop.get(path)
    fill(1, 30)
    with counting() as many:
        shop.get(path)
    # The sign-in is remembered for a moment, so its queries are not counted.
    ours = [[sql for sql in seen if "product" in sql or "sales_order" in sql] for seen in (few, many)]
    assert len(ours[0]) == len(ours[1]) <= 4
