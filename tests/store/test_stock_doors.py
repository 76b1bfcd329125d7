"""Stock over the API and by form: what is booked, what is refused, what is kept."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.store.products import queries as products
from app.store.products.stock import queries
from app.store.products.stock import service as stock
from tests.store.support import make


@pytest.fixture
def pen(acme: Any) -> Any:
    """Return a counted product."""
    with acme.ctx() as ctx:
        return make(ctx, name="Pen", sku="PEN", inventory=5)


def inventory(house: Any, product: Any) -> int | None:
    """Return what is left of a product."""
    with house.ctx() as ctx:
        return products.get_product(ctx, product_id=product.id).inventory


def test_a_delivery_is_booked_once_however_often_it_is_sent(acme: Any, pen: Any) -> None:
    api, key = acme.api(), {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        body = {"kind": "received", "quantity": 12, "note": "Delivery 7731"}
        answer = api.post(f"/products/{pen.id}/inventory", json=body, headers=key)
        assert (answer.status_code, answer.json["inventory"]) == (200, 17)
    seen = api.get(f"/products/{pen.id}/inventory").json
    assert seen["inventory"] == 17
    assert [(m["kind"], m["quantity"], m["note"]) for m in seen["items"]] == [
        ("received", 12, "Delivery 7731"), ("opening", 5, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "received", "quantity": 0}, 422),
        ({"kind": "received", "quantity": -1}, 422),
        ({"kind": "received", "quantity": 1.5}, 422),
        ({"kind": "ordered", "quantity": 1}, 422),
        ({"kind": "counted", "quantity": 10**12}, 422),
        ({"kind": "counted", "quantity": 1, "inventory": 3}, 422),
        ({"kind": "lost", "quantity": 6}, 409),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_booked(acme: Any, pen: Any, body: Any, status: int) -> None:
    answer = acme.api().post(f"/products/{pen.id}/inventory", json=body)
    assert answer.status_code == status, answer.text
    assert inventory(acme, pen) == 5


def test_the_movements_go_page_by_page(acme: Any, pen: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(1, 6):
            stock.adjust_stock(ctx, product_id=pen.id, kind="received", quantity=number)
    api, seen, cursor = acme.api(), [], None
    while True:
        query = f"limit=2&cursor={cursor}" if cursor else "limit=2"
        page = api.get(f"/products/{pen.id}/inventory?{query}").json
        seen += [m["quantity"] for m in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [1, 2, 3, 4, 5, 5]


def test_contents_are_set_and_shown(acme: Any, pen: Any) -> None:
    with acme.ctx() as ctx:
        box = make(ctx, name="Box", sku="BOX", type="bundle")
    api = acme.api()
    body = {"parts": [{"product_id": str(pen.id), "quantity": 2}]}
    assert api.put(f"/products/{box.id}/parts", json=body).status_code == 200
    [part] = api.get(f"/products/{box.id}/parts").json["parts"]
    assert (part["name"], part["sku"], part["quantity"], part["inventory"]) == ("Pen", "PEN", 2, 5)
    assert api.put(f"/products/{pen.id}/parts", json=body).status_code == 422
    items = [{"product_id": str(box.id), "quantity": 3}]
    order = {"customer_email": "ada@brook.example", "items": items}
    refused = api.post("/orders", json=order, headers={"Idempotency-Key": uuid4().hex})
    assert (refused.status_code, refused.json["detail"]) == (409, "Pen (in Box): 5 left.")


def test_stock_is_booked_by_form_and_a_slip_keeps_what_was_written(acme: Any, pen: Any) -> None:
    shop = acme.signed_in()
    wrong = shop.submit(
        f"/products/{pen.id}/stock", {"kind": "lost", "quantity": "many", "note": "Water in the cellar"}
    )
    assert wrong.status_code == 422
    assert "Water in the cellar" in wrong.text
    too_many = shop.submit(f"/products/{pen.id}/stock", {"kind": "lost", "quantity": "9", "note": ""})
    assert too_many.status_code == 422
    assert "Only 5 are there." in too_many.text
    right = shop.submit(f"/products/{pen.id}/stock", {"kind": "counted", "quantity": "3", "note": "Shelf 4"})
    assert right.status_code == 303, right.text
    page = shop.get(f"/products/{pen.id}/stock").text
    assert "3 in stock" in page
    assert "Shelf 4" in page
    with acme.ctx() as ctx:
        assert queries.find_differences(ctx) == {}


def test_a_bundle_is_filled_by_form(acme: Any, pen: Any) -> None:
    with acme.ctx() as ctx:
        box = make(ctx, name="Box", sku="BOX", type="bundle")
    shop, path = acme.signed_in(), f"/products/{box.id}/parts"
    more = shop.submit(path, {"sku-0": "PEN", "quantity-0": "2", "rows": "3", "more": "yes"})
    assert 'value="PEN"' in more.text
    assert "sku-5" in more.text
    wrong = shop.submit(path, {"sku-0": "nothing like it", "quantity-0": "2", "rows": "3"})
    assert (wrong.status_code, "No product for sale has this SKU." in wrong.text) == (422, True)
    assert shop.submit(path, {"sku-0": "pen", "quantity-0": "2", "rows": "3"}).status_code == 303
    with acme.ctx() as ctx:
        assert [(part.id, quantity) for part, quantity in queries.list_parts(ctx, bundle_id=box.id)] == [(pen.id, 2)]
