"""The security headers over every status, and the headers of others that change nothing (WEB-01 to WEB-04)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

import pytest
from flask import Flask, abort, request
from werkzeug.exceptions import HTTPException

from app.factory import create_app
from app.kit import errors
from config.settings import Settings
from tenants.runtime import Runtime

ALWAYS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
          "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "X-Frame-Options")  # fmt: skip
FAILURES: tuple[Exception | int, ...] = (
    errors.BadRequest(), errors.Unauthenticated(), errors.Forbidden(), errors.NotFound(), errors.Conflict(),
    errors.Gone(), errors.StaleVersion(), errors.TooLarge(), errors.UnsupportedMedia(), errors.Invalid(),
    errors.TooManyRequests(headers={"Retry-After": "3"}), errors.Unavailable(headers={"Retry-After": "3"}),
    ZeroDivisionError("of ours"), 400, 405, 408, 418, 502,
)  # fmt: skip


@contextmanager
def view(app: Flask, endpoint: str, do: Callable[[], Any]) -> Iterator[None]:
    """Let a route of the application do something else for a while."""
    before = app.view_functions[endpoint]

    @wraps(before)
    def other(*_: Any, **__: Any) -> Any:
        return do()

    app.view_functions[endpoint] = other
    try:
        yield
    finally:
        app.view_functions[endpoint] = before


def endpoint_of(app: Flask, host: str, path: str) -> str:
    return str(app.url_map.bind(host).match(path, method="GET")[0])


def _fail(how: Exception | int) -> Any:
    if isinstance(how, int):
        abort(how)
    raise how


def _name(how: Exception | int) -> str:
    return str(how) if isinstance(how, int) else type(how).__name__


@pytest.mark.parametrize("path", ["/", "/api/v1/tenants/slugs/free"])
@pytest.mark.parametrize("failure", FAILURES, ids=_name)
def test_every_failure_carries_them_and_tells_in_its_form(app: Flask, failure: Exception | int, path: str) -> None:
    with view(app, endpoint_of(app, "localhost", path), lambda: _fail(failure)):
        answer = app.test_client().get(path)
    if isinstance(failure, errors.Unauthenticated) and path == "/":
        assert answer.status_code == 303, "a person is sent to the door"
        return
    assert answer.status_code == (failure if failure in (400, 405) else getattr(failure, "status", answer.status_code))
    assert answer.status_code >= 400
    assert [name for name in ALWAYS if name not in answer.headers] == []
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Request-Id"]
    if path.startswith("/api/"):
        assert answer.content_type == "application/problem+json"
        assert answer.json["status"] == answer.status_code
    else:
        assert answer.content_type == "text/html; charset=utf-8"
        assert "<main" in answer.text
        # Every page says where to go from here.
        assert "href=" in answer.text
    if isinstance(failure, errors.TooManyRequests | errors.Unavailable):
        assert answer.headers["Retry-After"] == "3"


def test_what_a_signed_in_person_reads_is_kept_by_nobody(acme: Any) -> None:
    api, window = acme.api(), acme.signed_in()
    for answer in (api.get("/products"), api.get("/users/me"), window.get("/home"), window.get("/products")):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store", answer.request.path


def test_nothing_of_our_code_is_told(app: Flask) -> None:
    for path in ("/", "/api/v1/tenants/slugs/free"):
        with view(app, endpoint_of(app, "localhost", path), lambda: _fail(ZeroDivisionError("a secret of ours"))):
            answer = app.test_client().get(path)
        assert answer.status_code == 500
        assert "secret of ours" not in answer.text
        assert "ZeroDivision" not in answer.text
        assert "Traceback" not in answer.text


def test_a_site_over_https_says_that_it_stays_so(runtime: Runtime, settings: Settings) -> None:
    safe = create_app(runtime=replace(runtime, settings=replace(settings, base_url="https://localhost")))
    for path in ("/", "/nothing-here", "/api/v1/nothing-here", "/static/none.css"):
        answer = safe.test_client().get(path, base_url="https://localhost")
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "*"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_other_origin_is_let_in(app: Flask, origin: str, method: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    for path in ("/", "/api/v1/tenants/slugs/free", "/api/v1/products"):
        answer = app.test_client().open(path, method=method, headers=headers)
        assert [name for name in answer.headers.keys() if name.lower().startswith("access-control")] == []  # noqa: SIM118


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "acme.localhost",
             "X-Forwarded-Port": "444", "X-Forwarded-Prefix": "/elsewhere", "X-Real-Ip": "203.0.113.9",
             "Forwarded": "for=203.0.113.9;host=acme.localhost;proto=https"}  # fmt: skip


def _seen(app: Flask, headers: dict[str, str]) -> tuple[str | None, str, str, str]:
    seen: list[tuple[str | None, str, str, str]] = []

    def look() -> str:
        seen.append((request.remote_addr, request.scheme, request.host, request.script_root))
        return "seen"

    with view(app, endpoint_of(app, "localhost", "/"), look):
        assert app.test_client().get("/", headers=headers).text == "seen"
    return seen[0]


def test_forwarded_headers_change_nothing_where_no_proxy_is_declared(app: Flask) -> None:
    assert _seen(app, FORWARDED) == _seen(app, {}) == ("127.0.0.1", "http", "localhost", "")


def test_behind_one_proxy_only_what_that_one_added_counts(runtime: Runtime, settings: Settings) -> None:
    behind = create_app(runtime=replace(runtime, settings=replace(settings, proxy_hops=1)))
    headers = {
        **FORWARDED,
        "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
        "X-Forwarded-Host": "evil.example, localhost",
    }
    assert _seen(behind, headers) == ("203.0.113.9", "https", "localhost", "")


def test_unknown_errors_of_the_framework_are_problems_too(app: Flask) -> None:
    class Odd(HTTPException):
        code = 599

    with view(app, endpoint_of(app, "localhost", "/api/v1/tenants/slugs/free"), lambda: _fail(Odd())):
        answer = app.test_client().get("/api/v1/tenants/slugs/free")
    assert answer.status_code == 500
    assert answer.json["code"] == "unexpected"
