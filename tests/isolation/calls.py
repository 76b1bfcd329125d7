"""Requests with slots: every place in a request that names a thing can be filled with somebody else's name for one."""

from __future__ import annotations

import io
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.isolation.neighbours import Neighbour, Person
from tests.isolation.street import Street
from tests.isolation.things import random_token

APEX = "localhost"
_CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]{64})"')
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NONCE = re.compile(r'(nonce-|nonce=")[A-Za-z0-9_-]+')
_RANDOM = re.compile(
    r'(name="(?:csrf_token|idempotency_key|csrf-token)" (?:value|content)=")[^"]+'
    r'|("request_id": ?")[^"]+|(csrf[a-z_-]*=|Expires=)[^;]+|(terrace_flash=[^.;]+\.)[^;]+'
)
# What differs from one answer to the next by nature.
_PASSING = frozenset({"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"})
MALFORMED = ("not-an-id", "0", "../../etc/passwd", "' OR tenant_id IS NOT NULL --", "%00", "a" * 300)


@dataclass(frozen=True)
class Slot:
    """A value that names a thing of one kind; `value` is the caller's own."""

    kind: str
    value: str


@dataclass(frozen=True)
class Call:
    """One request of a route, with slots where it names things."""

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[bytes, str]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def slots(self) -> list[tuple[str, Slot]]:
        """Return every slot with the place it is at."""
        found = []
        for part in ("path", "query", "json", "form"):
            found += list(_walk(getattr(self, part), part))
        return found

    def filled(self, where: str | None = None, value: str = "") -> Call:
        """Return the call with plain values; the slot at `where` gets `value`."""
        parts = {part: _fill(getattr(self, part), part, where, value) for part in ("path", "query", "json", "form")}
        return replace(self, **parts)


@dataclass(frozen=True)
class Door:
    """By what a person proves who they are: "bearer", "cookie" or nothing."""

    kind: str
    person: Person | None = None


NOBODY = Door("nobody")


class Sender:
    """Sends calls to the street's application."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self._client: FlaskClient = street.app.test_client(use_cookies=False)
        self._page_keys: dict[str, tuple[str, str]] = {}
        self.sent = 0

    def send(
        self, rule: Any, method: str, call: Call, door: Door, host: str, *, swap: tuple[str, str] = ("", "")
    ) -> TestResponse:
        """Send `call` (filled) to `rule` on `host`; `swap` replaces a text of the address by one of no such form."""
        adapter = self.street.app.url_map.bind(host)
        address = adapter.build(rule.endpoint, dict(call.path), method=method)
        if swap[0]:
            address = address.replace(swap[0], quote(swap[1], safe=""))
        headers = dict(call.headers)
        cookie = ""
        form = dict(call.form) if call.form is not None else None
        if door.kind == "bearer" and door.person:
            headers.setdefault("Authorization", f"Bearer {door.person.token}")
        elif door.kind == "cookie" and door.person:
            cookie = f"terrace_session={door.person.cookie}"
        if method not in ("GET", "HEAD"):
            cookie, form = self._prove_page(rule, door, host, cookie, form, headers)
        if cookie:
            headers["Cookie"] = cookie
        self.sent += 1
        options = self._body(call, form)
        return self._client.open(
            address, method=method, base_url=f"http://{host}",
            query_string=dict(call.query),
            headers=headers, buffered=True, **options,
        )  # fmt: skip

    def _body(self, call: Call, form: dict[str, Any] | None) -> dict[str, Any]:
        if call.files is not None:
            data = dict(form or {})
            for name, (content, file_name) in call.files.items():
                data[name] = (io.BytesIO(content), file_name)
            return {"data": data, "content_type": "multipart/form-data"}
        if call.json is not None:
            return {"json": call.json}
        return {"data": form} if form is not None else {}

    def _prove_page(
        self, rule: Any, door: Door, host: str, cookie: str, form: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[str, dict[str, Any] | None]:
        """Add what a page of this very site would add: the token against requests of other sites."""
        if rule.rule.startswith("/api/"):
            if door.kind == "cookie" and door.person:
                headers["X-CSRF-Token"] = self._person_key(door.person, host)
            return cookie, form
        if door.kind == "cookie" and door.person:
            token = self._person_key(door.person, host)
        else:
            secret, token = self._page_key(host)
            cookie = f"{cookie}; terrace_csrf={secret}".lstrip("; ")
        return cookie, {"csrf_token": token, **(form or {})}

    def _person_key(self, person: Person, host: str) -> str:
        if not person.csrf:
            headers = {"Cookie": f"terrace_session={person.cookie}"}
            page = self._client.get("/account", base_url=f"http://{host}", headers=headers)
            found = _CSRF.search(page.text)
            person.csrf = found[1] if found else "0" * 64
        return person.csrf

    def _page_key(self, host: str) -> tuple[str, str]:
        if host not in self._page_keys:
            path = "/find" if host == APEX else "/signin"
            page = self._client.get(path, base_url=f"http://{host}")
            found = _CSRF.search(page.text)
            cookie = re.search(r"terrace_csrf=([^;]+)", page.headers.get("Set-Cookie", ""))
            self._page_keys[host] = (cookie[1], found[1]) if cookie and found else ("none", "0" * 64)
        return self._page_keys[host]


def random_value(kind: str) -> str:
    """Return a well-formed value of `kind` that names nothing."""
    if kind.endswith("_token"):
        return random_token(kind)
    if kind == "slug":
        return f"nobody-{secrets.token_hex(4)}"
    return str(uuid.uuid4())


def shape(answer: TestResponse, *said: str) -> tuple[int, dict[str, str], str]:
    """Return what an onlooker learns from an answer: status, headers and text, without `said` and passing values."""

    def clean(text: str) -> str:
        for value in sorted(said, key=len, reverse=True):
            text = text.replace(value, "<said>") if value else text
        text = _RANDOM.sub(lambda m: next(g for g in m.groups() if g is not None) + "<random>", text)
        return _NONCE.sub(r"\1<nonce>", text)

    text = answer.get_data(as_text=True)
    request_id = answer.headers.get("X-Request-Id", "")
    text = clean(text.replace(request_id, "<request>") if request_id else text)
    headers = {k.lower(): clean(v) for k, v in answer.headers.items() if k.lower() not in _PASSING}
    return answer.status_code, headers, text


def foreign_traces(answer: TestResponse, street: Street, own: Neighbour, *said: str) -> list[str]:
    """Return marks and ids of other tenants that an answer to `own` holds; what the request itself said is no trace."""
    text = answer.get_data(as_text=True) + json.dumps(list(answer.headers))
    for value in said:
        text = text.replace(value, "") if value else text
    traces = [f"canary-{n.label.lower()}-" for n in street.neighbours.values() if n is not own]
    found = [trace for trace in traces if trace in text.lower()]
    ids = set(_IDS.findall(text))
    return found + [one for n in street.neighbours.values() if n is not own for one in ids & n.own_values()]


def _walk(value: Any, where: str) -> Iterator[tuple[str, Slot]]:
    if isinstance(value, Slot):
        yield where, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{where}.{number}")


def _fill(value: Any, here: str, where: str | None, other: str) -> Any:
    if isinstance(value, Slot):
        return other if here == where else value.value
    if isinstance(value, Mapping):
        return {key: _fill(inner, f"{here}.{key}", where, other) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, f"{here}.{number}", where, other) for number, inner in enumerate(value)]
    return value


Recipe = Callable[[Neighbour, Person], Call]
