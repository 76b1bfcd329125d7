"""The edge: what is not declared does not start, and every answer carries what it must."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask

from app.kit.errors import NotFound
from tenants.access import Access, access, access_of, public
from tenants.edge import Edge
from tests.world import client_at


def test_a_route_without_a_declaration_stops_the_start(runtime: Any) -> None:
    app = Flask("undeclared", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "")
    with pytest.raises(RuntimeError, match="open"):
        Edge(runtime, []).install(app)


def test_a_declaration_survives_other_decorators() -> None:
    @access("things.read", feature="api_access")
    def view() -> str:
        return ""

    assert access_of(view) == Access("things.read", feature="api_access")
    assert access_of(public("everybody")(lambda: "")) == Access(None, reason="everybody", signed_in=False)


def test_a_feature_that_the_plan_lacks_is_403_with_its_name(acme: Any) -> None:
    answer = acme.signed_in().submit("/settings/brand", {"colour": "#112233"})
    assert answer.status_code == 403
    assert "custom branding" in answer.text


def test_every_answer_has_a_request_id_and_is_kept_by_nobody(acme: Any, app: Any) -> None:
    for client, path in (
        (acme.browser(), "/signin"),
        (acme.browser(), "/api/v1/products"),
        (client_at(app, "localhost"), "/nope"),
    ):
        answer = client.get(path)
        assert len(answer.headers["X-Request-Id"]) == 36
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in answer.headers["Vary"]
        assert "Authorization" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_no_other_origin_may_read_an_answer(acme: Any, origin: str) -> None:
    answer = acme.browser().get("/api/v1/products", headers={"Origin": origin})
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_a_body_over_the_limit_is_413(acme: Any) -> None:
    answer = acme.api().post("/products", data=b"x" * (1024 * 1024 + 1), content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "request.too_large")


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [(b"{", "application/json", (400, 422)), (b"[]", "application/json", (422,)),
     (b"null", "application/json", (422, 400)),
     (b"<a/>", "application/xml", (415, 422)), (b"\xff\xfe", "application/json", (400, 422))],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_clear_error(
    acme: Any, body: bytes, media: str, status: tuple[int, ...]
) -> None:
    answer = acme.api().post("/products", data=body, content_type=media)
    assert answer.status_code in status
    assert answer.mimetype == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(acme: Any) -> None:
    answer = acme.api().delete("/products")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_an_unexpected_failure_tells_nothing_but_its_number(acme: Any, runtime: Any, monkeypatch: Any) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret is 4711")

    monkeypatch.setattr("app.store.products.queries.list_products", fail)
    answer = acme.api().get("/products")
    assert (answer.status_code, answer.json["code"]) == (500, "unexpected")
    assert "4711" not in answer.text
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert issubclass(NotFound, Exception)


def test_an_idempotent_post_has_its_effect_once(acme: Any) -> None:
    api = acme.api()
    body = {"name": "Once", "sku": "ONCE", "price": "1.00", "currency": "EUR"}
    first = api.post("/products", json=body, headers={"Idempotency-Key": "k-1"})
    again = api.post("/products", json=body, headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = api.post("/products", json={**body, "sku": "TWICE"}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json["code"]) == (422, "idempotency.mismatch")
    wrong = api.post("/products", json={**body, "price": "x"}, headers={"Idempotency-Key": "k-2"})
    assert wrong.status_code == 422
    right = api.post("/products", json={**body, "sku": "RIGHT"}, headers={"Idempotency-Key": "k-2"})
    assert right.status_code == 201


def test_a_form_that_its_client_did_not_send_to_the_end_has_no_effect(acme: Any) -> None:
    window = acme.signed_in()
    token = re.search(r'name="csrf_token" value="([^"]*)"', window.get("/account").text)
    assert token is not None
    fields = f"csrf_token={token[1]}&name=Alic".encode()
    # As the web server tells it: the rest of what was announced never came.
    cut = {"CONTENT_LENGTH": str(len(fields) + 1), "wsgi.input": io.BytesIO(fields), "wsgi.input_terminated": True}
    kind = "application/x-www-form-urlencoded"
    assert window.client.post("/account", content_type=kind, environ_overrides=cut).status_code == 400
    assert 'value="Alic"' not in window.get("/account").text
    assert window.client.post("/account", content_type=kind, data=fields).status_code == 303
    assert 'value="Alic"' in window.get("/account").text
