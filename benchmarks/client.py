"""Requests straight into a WSGI application, without socket or test client: what is measured is the application."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask
from werkzeug.test import EnvironBuilder


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)


def request(app: Flask, method: str, path: str, *, host: str, **options: Any) -> Callable[[], Answer]:
    """Return a function that sends this request, as often as it is called; `options` are werkzeug's."""
    builder = EnvironBuilder(method=method, path=path, base_url=f"http://{host}", **options)
    environ = builder.get_environ()
    body = environ["wsgi.input"].read()
    builder.close()
    return lambda: call(app, environ, body)


def call(app: Flask, environ: Mapping[str, Any], body: bytes = b"") -> Answer:
    """Send one request and read the whole answer."""
    started: list[str] = []

    def start_response(status: str, headers: Any, failure: Any = None) -> Callable[[bytes], object]:
        started.append(status)
        return lambda chunk: None

    parts = app.wsgi_app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
    try:
        found = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    return Answer(int(started[0].split()[0]), found)
