"""The JSON door of products."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.store.products import schemas
from tests.store.support import counting, make

NEW = {"name": "Harbour Lights", "sku": "NB-1", "price": "32.00", "currency": "EUR"}


@pytest.fixture
def api(acme: Any) -> Any:
    """Return alice's client."""
    return acme.api()


@pytest.fixture(scope="module")
def calm(world: Any) -> Any:
    """Return a client of a tenant that several tests share, because they change nothing."""
    return world.tenant("calm").api()


def pointers(answer: Any) -> list[str]:
    """Return where the wrong fields are."""
    assert answer.status_code == 422, answer.text
    assert answer.content_type.startswith("application/problem+json")
    return sorted(error["pointer"] for error in answer.json["errors"])


def test_a_product_is_made_and_read_back_as_it_was_sent(api: Any) -> None:
    made = api.post("/products", json=NEW | {"inventory": 12, "category": "Fiction"})
    assert made.status_code == 201, made.text
    assert made.headers["ETag"] == '"1"'
    found = api.get("/products/" + made.headers["Location"].rsplit("/", 1)[1])
    assert found.json == made.json
    assert {name: found.json[name] for name in NEW} == NEW
    assert (found.json["inventory"], found.json["type"], found.json["status"]) == (12, "physical", "active")
    assert found.json["created_at"].endswith("Z")


def test_answers_have_exactly_the_documented_fields(api: Any) -> None:
    made = api.post("/products", json=NEW).json
    page = api.get("/products").json
    assert set(made) == set(schemas.ProductSchema().fields)
    assert set(page) == set(schemas.ProductPage().fields)
    assert page["items"] == [made]
    assert schemas.ProductSchema().validate(made) == {}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price": "19.999"}, "#/price"),
        ({"price": "-1"}, "#/price"),
        ({"price": "1e3"}, "#/price"),
        ({"price": "NaN"}, "#/price"),
        ({"price": 19.99}, "#/price"),
        ({"price": "1000000000000.01"}, "#/price"),
        ({"price": "1.5", "currency": "JPY"}, "#/price"),
        ({"price": ""}, "#/price"),
        ({"price": None}, "#/price"),
        ({"currency": "EURO"}, "#/currency"),
        ({"currency": "eur"}, "#/currency"),
        ({"inventory": -1}, "#/inventory"),
        ({"inventory": 1.5}, "#/inventory"),
        ({"inventory": True}, "#/inventory"),
        ({"inventory": "3"}, "#/inventory"),
        ({"inventory": 10**30}, "#/inventory"),
        ({"name": ""}, "#/name"),
        ({"name": "   "}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "a\u0000b"}, "#/name"),
        ({"name": "\ud800"}, "#/name"),
        ({"name": 7}, "#/name"),
        ({"sku": "a\nb"}, "#/sku"),
        ({"type": "boat"}, "#/type"),
        ({"status": "archived"}, "#/status"),
        ({"tenant_id": str(uuid4())}, "#/tenant_id"),
        ({"price_minor": 1}, "#/price_minor"),
    ],
)
def test_a_wrong_field_is_pointed_at(calm: Any, change: dict[str, Any], pointer: str) -> None:
    assert pointers(calm.post("/products", json=NEW | change)) == [pointer]


def test_all_wrong_fields_are_told_at_once(calm: Any) -> None:
    assert pointers(calm.post("/products", json={})) == ["#/currency", "#/name", "#/price", "#/sku"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("0", "EUR", "0.00"), ("0.1", "EUR", "0.10"), ("19.990", "EUR", "19.99"), ("1200", "JPY", "1200"),
     ("1.234", "KWD", "1.234"), ("10000000000.00", "EUR", "10000000000.00")],
)  # fmt: skip
def test_amounts_keep_their_value_to_the_last_unit(calm: Any, amount: str, currency: str, shown: str) -> None:
    made = calm.post("/products", json=NEW | {"price": amount, "currency": currency, "sku": amount + currency})
    assert made.json["price"] == shown


def test_a_taken_sku_clashes(api: Any) -> None:
    api.post("/products", json=NEW)
    clash = api.post("/products", json=NEW | {"sku": "nb-1 "})
    assert (clash.status_code, clash.json["code"]) == (409, "store.sku_taken")
    assert clash.json["errors"][0]["pointer"] == "#/sku"


def test_a_change_needs_the_version_it_changes(api: Any) -> None:
    path = "/products/" + api.post("/products", json=NEW).json["id"]
    assert api.patch(path, json={"name": "A"}).status_code == 428
    assert api.put(path, json=NEW).status_code == 428
    first = api.patch(path, json={"name": "A"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"], first.json["name"]) == (200, '"2"', "A")
    for stale in ('"1"', 'W/"2"', "nonsense", '"x"'):
        late = api.patch(path, json={"name": "B"}, headers={"If-Match": stale})
        assert (late.status_code, late.json["code"]) == (412, "version.stale")
    assert api.patch(path, json={"name": "C"}, headers={"If-Match": '"7", "2"'}).status_code == 200
    assert api.put(path, json=NEW, headers={"If-Match": "*"}).json["name"] == NEW["name"]


def test_put_replaces_everything_and_patch_only_what_is_named(api: Any) -> None:
    made = api.post("/products", json=NEW | {"inventory": 4, "category": "Fiction", "description": "Long"}).json
    path = f"/products/{made['id']}"
    patched = api.patch(path, json={"price": "9.50"}, headers={"If-Match": '"1"'}).json
    assert (patched["price"], patched["currency"], patched["inventory"]) == ("9.50", "EUR", 4)
    put = api.put(path, json=NEW, headers={"If-Match": '"2"'}).json
    assert (put["price"], put["inventory"], put["category"], put["description"]) == ("32.00", None, "", "")


def test_a_currency_alone_is_refused(api: Any) -> None:
    path = "/products/" + api.post("/products", json=NEW).json["id"]
    answer = api.patch(path, json={"currency": "JPY"}, headers={"If-Match": '"1"'})
    assert pointers(answer) == ["#/price"]


def test_deleting_restoring_and_the_third_time_is_404(api: Any, acme: Any) -> None:
    made = api.post("/products", json=NEW).json
    path = f"/products/{made['id']}"
    assert api.delete(path, headers={"If-Match": '"9"'}).status_code == 412
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404
    assert api.post(f"{path}/restoration").status_code == 404


def test_foreign_unknown_and_deleted_ids_answer_alike(api: Any, globex: Any) -> None:
    with globex.ctx() as ctx:
        foreign = make(ctx).id
    gone = api.post("/products", json=NEW).json["id"]
    api.delete(f"/products/{gone}")
    for method, body in (("get", None), ("patch", {"name": "x"}), ("put", NEW), ("delete", None)):
        seen = set()
        for product_id in (foreign, uuid4(), gone):
            options = {"json": body} if body else {}
            answer = getattr(api, method)(f"/products/{product_id}", headers={"If-Match": '"1"'}, **options)
            problem = orjson.loads(answer.data)
            assert problem.pop("request_id") == answer.headers["X-Request-Id"]
            assert problem.pop("instance").endswith(str(product_id))
            seen.add((answer.status_code, orjson.dumps(problem)))
        assert len(seen) == 1
        assert seen.pop()[0] == 404


def test_lists_are_filtered_and_refuse_what_they_do_not_know(api: Any) -> None:
    for number in range(3):
        api.post("/products", json=NEW | {"sku": f"S{number}", "name": f"N{number}", "price": f"{3 - number}.00"})
    api.post("/products", json=NEW | {"sku": "D", "name": "Draft", "status": "draft", "category": "X"})

    def names(query: str) -> list[str]:
        return [item["name"] for item in api.get(f"/products?{query}").json["items"]]

    assert names("sort=price&status=active") == ["N2", "N1", "N0"]
    assert names("status=draft") == ["Draft"]
    assert names("category=X") == ["Draft"]
    assert names("q=n1") == ["N1"]
    assert names("q=s2") == ["N2"]
    for query, pointer in (("status=new", "#/status"), ("limit=0", "#/limit"), ("limit=101", "#/limit"),
                           ("limit=x", "#/limit"), ("sort=colour", "#/sort"), ("colour=red", "#/colour"),
                           ("cursor=abc", "#/cursor")):  # fmt: skip
        assert pointers(api.get(f"/products?{query}")) == [pointer]


def test_a_cursor_is_good_for_its_own_list_only(api: Any, globex: Any) -> None:
    for number in range(5):
        api.post("/products", json=NEW | {"sku": f"S{number}"})
    cursor = api.get("/products?limit=2").json["next_cursor"]
    assert len(api.get(f"/products?limit=2&cursor={cursor}").json["items"]) == 2
    assert pointers(api.get(f"/products?sort=name&cursor={cursor}")) == ["#/cursor"]
    assert pointers(api.get(f"/products?cursor={cursor[:-2]}AA")) == ["#/cursor"]
    assert pointers(globex.api().get(f"/products?cursor={cursor}")) == ["#/cursor"]


def test_a_full_plan_says_what_and_who(api: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(100):
            make(ctx, sku=f"S{number}")
    answer = api.post("/products", json=NEW)
    assert (answer.status_code, answer.json["code"]) == (402, "limit.exceeded")
    assert answer.json["limit"] | {"resets_at": None} == {
        "metric": "products", "limit": 100, "used": 100, "wanted": 1, "resets_at": None,
    }  # fmt: skip
    assert answer.json["upgrade_url"].endswith("/settings/plan")


def test_a_retry_with_the_same_key_makes_one_product(api: Any) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = api.post("/products", json=NEW, headers=headers)
    again = api.post("/products", json=NEW, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["ETag"] == '"1"'
    assert len(api.get("/products").json["items"]) == 1


def test_a_list_costs_one_query_however_long(api: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(60):
            make(ctx, sku=f"S{number}")
    api.get("/products")
    with counting() as few:
        api.get("/products?limit=1")
    with counting() as many:
        assert len(api.get("/products?limit=50").json["items"]) == 50
    assert len(few) == len(many)
    assert len([sql for sql in many if "FROM product" in sql]) == 1
