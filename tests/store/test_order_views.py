"""The pages of orders, as a browser without script sees them."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from app.store.orders import placing
from app.store.orders import queries as orders
from app.store.products.stock.offer import Wish
from tests.store.support import make

ADDRESS = {"street": "Oudegracht 118", "zip": "3511 AW", "city": "Utrecht", "state": "", "country": "NL"}
ORDER = {"rows": "3", "customer_email": "ada@brook.example", "sku-0": "nb-1", "quantity-0": "2"}


@pytest.fixture
def shop(acme: Any) -> Any:
    """Return alice's browser."""
    return acme.signed_in()


def all_orders(house: Any) -> list[Any]:
    """Return the tenant's orders, oldest first."""
    with house.ctx() as ctx:
        return list(orders.list_orders(ctx, filters=orders.OrderFilter(sort="number"), limit=100).items)


def version_in(page: str) -> str:
    """Return the version that the page's form carries."""
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None, page
    return found.group(1)


def test_an_order_is_placed_by_form_and_led_to_its_end(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx, inventory=5)
    answer = shop.submit("/orders/new", ORDER)
    assert answer.status_code == 303, answer.text
    path = answer.headers["Location"]
    page = shop.get(path).text
    assert "Order 1001" in page
    assert "€64.00" in page
    assert "Confirm order" in page
    moved = shop.submit(f"{path}/move", {"to": "confirmed", "version": version_in(page)}, form=path)
    assert moved.status_code == 303
    page = shop.get(path).text
    assert "It needs an address first." in page
    assert shop.submit(f"{path}/address", ADDRESS | {"version": version_in(page)}, form=path).status_code == 303
    page = shop.get(path).text
    assert shop.submit(f"{path}/paid", {"version": version_in(page)}, form=path).status_code == 303
    for to in ("shipped", "delivered"):
        page = shop.get(path).text
        assert shop.submit(f"{path}/move", {"to": to, "version": version_in(page)}, form=path).status_code == 303
    [order] = all_orders(acme)
    assert (order.status, order.payment_status) == ("delivered", "paid")
    assert "Utrecht" in shop.get(path).text


def test_an_order_that_changed_meanwhile_is_not_moved(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx, inventory=5)
    path = shop.submit("/orders/new", ORDER).headers["Location"]
    version = version_in(shop.get(path).text)
    assert shop.submit(f"{path}/move", {"to": "confirmed", "version": version}, form=path).status_code == 303
    answer = shop.submit(f"{path}/move", {"to": "cancelled", "version": version}, form=path)
    assert answer.status_code == 412
    assert "Someone else saved first" in answer.text
    assert all_orders(acme)[0].status == "confirmed"
    version = version_in(shop.get(path).text)
    answer = shop.submit(f"{path}/move", {"to": "delivered", "version": version}, form=path)
    assert answer.status_code == 409
    assert "cannot become delivered" in answer.text


def test_a_refused_order_keeps_every_word(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx, inventory=1)
    wrong = ORDER | {"customer_email": "ada", "sku-1": "no such", "quantity-1": "x", "street": "Only street"}
    answer = shop.submit("/orders/new", wrong)
    assert answer.status_code == 422
    for told in ("Write an e-mail address", "No product for sale has this SKU.", "Write a whole number, like 2."):
        assert told in answer.text
    assert 'value="no such"' in answer.text
    answer = shop.submit("/orders/new", ORDER)
    assert answer.status_code == 422
    assert "Harbour Lights: 1 left." in answer.text
    assert 'href="#f-quantity-0"' in answer.text
    assert all_orders(acme) == []


def test_more_rows_are_asked_for_without_placing_anything(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx)
    page = shop.submit("/orders/new", ORDER | {"more": "yes"})
    assert page.status_code == 200
    assert 'name="sku-5"' in page.text
    assert 'value="nb-1"' in page.text
    assert all_orders(acme) == []
    assert (
        shop.submit("/orders/new", {"rows": "6", "customer_email": "a@b.example", "sku-5": "NB-1"}).status_code == 303
    )


def test_a_form_sent_twice_places_one_order(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx, inventory=9)
    key = {"idempotency_key": str(uuid4())}
    answers = [shop.submit("/orders/new", ORDER | key) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(all_orders(acme)) == 1


def test_orders_are_found_by_number_address_and_state(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        make(ctx, inventory=9)
    shop.submit("/orders/new", ORDER)
    shop.submit("/orders/new", ORDER | {"customer_email": "bo@b.example"})
    assert "bo@b.example" not in shop.get("/orders?q=1001").text
    assert "Order 1002" in shop.get("/orders?q=BO@b.example").text
    assert "No order matches" in shop.get("/orders?q=bo").text
    assert "Nothing in this view" in shop.get("/orders?status=shipped").text
    for strange in ("status=boat", "q=%00@", "q=" + "9" * 40, "sort=x"):
        assert shop.get(f"/orders?{strange}").status_code == 200


def test_a_note_is_kept_and_shown_harmlessly(shop: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        order = placing.place_order(ctx, customer_email="a@b.example", items=[Wish(make(ctx).id, 1)])
    path = f"/orders/{order.id}"
    assert shop.submit(f"{path}/notes", {"text": "<script>alert(1)</script>"}, form=path).status_code == 303
    page = shop.get(path).text
    assert "&lt;script&gt;alert(1)" in page
    assert shop.submit(f"{path}/notes", {"text": " "}, form=path).status_code == 422
