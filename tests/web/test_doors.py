"""The pages and files of this module over HTTP: security headers, caching, theme, brand, reports."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import assets

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/signup", 200),
    ("GET", "/static/css/app.css", 200),
    ("GET", "/static/none.css", 404),
    ("GET", "/nothing-here", 404),
    ("POST", "/", 403),
    ("GET", "/theme", 405),
    ("GET", "/api/v1/nothing-here", 404),
    ("POST", "/csp-report", 204),
]


@pytest.fixture
def apex(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_HOST"] = "localhost"
    return client


def nonce_of(answer: Any) -> str:
    found = re.search(r"script-src 'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
    assert found
    return found[1]


def choose(client: FlaskClient, **fields: str) -> Any:
    """Post the theme form as the page has it."""
    found = re.search(r"name=\"csrf_token\" value=\"([^\"]+)\"", client.get("/").text)
    assert found
    return client.post("/theme", data={"csrf_token": found[1], **fields})


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_carries_the_security_headers(apex: FlaskClient, method: str, path: str, status: int) -> None:
    answer = apex.open(path, method=method)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    for rule in (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert rule in policy
    assert "camera=()" in answer.headers["Permissions-Policy"]
    answer.close()


def test_the_nonce_is_another_one_each_time_and_long_enough(apex: FlaskClient) -> None:
    nonces = {nonce_of(apex.get("/")) for _ in range(20)}
    assert len(nonces) == 20
    assert all(len(nonce) * 6 >= 128 for nonce in nonces)


def test_the_page_carries_the_nonce_of_its_policy_and_no_other(apex: FlaskClient) -> None:
    answer = apex.get("/signup")
    assert set(re.findall(r"nonce=\"([^\"]+)\"", answer.text)) == {nonce_of(answer)}


def test_pages_are_kept_by_nobody_and_named_files_for_a_year(apex: FlaskClient) -> None:
    page = apex.get("/")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in page.vary
    assert "Authorization" in page.vary
    with apex.get(assets.asset("css/app.css")) as file:
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    with apex.get("/static/css/app.css?v=000000000000") as file:
        assert "immutable" not in file.headers["Cache-Control"]


def test_text_files_come_packed_to_those_who_can_unpack(apex: FlaskClient) -> None:
    whole = (assets.STATIC / "css" / "app.css").read_bytes()
    with apex.get("/static/css/app.css", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == whole
    with apex.get("/static/css/app.css") as answer:
        assert answer.data == whole


@pytest.mark.parametrize(
    "path", ["../views.py", "%2e%2e/views.py", "..%5cviews.py", "css/../../module.py", "./../module.py"]
)
def test_only_static_files_are_served(apex: FlaskClient, path: str) -> None:
    assert apex.get(f"/static/{path}").status_code == 404


def test_choosing_a_theme_sets_a_cookie_and_goes_back(apex: FlaskClient) -> None:
    answer = choose(apex, theme="dark", next="/signup")
    assert (answer.status_code, answer.location) == (303, "/signup")
    assert 'data-theme="dark"' in apex.get("/signup").text
    choose(apex, theme="pink")
    assert "data-theme" not in apex.get("/signup").text


def test_choosing_a_theme_never_leads_to_another_site(apex: FlaskClient) -> None:
    assert choose(apex, theme="dark", next="//evil.example/x").location == "/"


def test_a_workspace_shows_its_colour_and_another_does_not(acme: Any, globex: Any) -> None:
    from_acme = acme.browser().get("/brand.css", base_url=f"http://{acme.host}")
    assert from_acme.text == ":root{--brand:#0f6b76}"
    assert from_acme.mimetype == "text/css"
    assert "private" in from_acme.headers["Cache-Control"]
    assert globex.browser().get("/brand.css", base_url=f"http://{globex.host}").text == ":root{--brand:#0f6b76}"


def test_the_front_of_a_workspace_leads_inside(acme: Any) -> None:
    answer = acme.browser().get("/", base_url=f"http://{acme.host}")
    assert (answer.status_code, answer.location) == (303, "/home")


def test_the_front_names_every_tier_with_its_room(apex: FlaskClient) -> None:
    page = apex.get("/").text
    for words in ("Basic", "Premium", "Enterprise", "10,000 products", "100,000 orders", "As many people as you like"):
        assert words in page


def test_a_report_is_taken_whatever_it_holds(apex: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="app.web.views"):
        assert apex.post("/csp-report", data=b"\xff\x00not json").status_code == 204
        assert apex.post("/csp-report", data=b"x" * 100_000).status_code == 204
    assert len([r for r in caplog.records if r.getMessage() == "content policy report"]) == 1
