"""One tenant's credentials at every other door: hosts, paths, headers, queries and bodies select nothing (ISO-01)."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.accounts import opaque
from tests.isolation import recipes
from tests.isolation import things as make
from tests.isolation.calls import APEX, NOBODY, Call, Door, foreign_traces, random_value, shape
from tests.isolation.matrix import PAIRS, Matrix, least
from tests.isolation.neighbours import Neighbour, Person

# Headers, queries and fields that might be taken for the choice of a tenant.
HEADERS = ("X-Tenant-Id", "X-Tenant", "X-Organization", "X-Workspace", "X-Forwarded-Host", "X-Host", "X-Original-Host",
           "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Server", "Forwarded", "Tenant-Id", "Referer")  # fmt: skip
_NOBODY, _NO_HOST = "01980000-0000-7000-8000-000000000000", "nobody-here.localhost"
# Routes on which each header is tried alone.
ALONE = frozenset({"users.me", "products.list_products", "workspace.home", "home.home", "products_web.index"})
QUERIES = ("tenant_id", "tenant", "organization_code", "workspace", "slug")


@pytest.fixture
def reads(matrix: Matrix) -> list[tuple[Any, Any]]:
    """Return the routes that read for those who are signed in, with what they demand."""
    return [(rule, access) for rule, method, access in matrix.routes() if method == "GET" and access.signed_in]


def _stranger(home: Neighbour, like: Person) -> Person:
    """Return somebody with credentials of the right form that nobody issued."""
    cookie = opaque.mint(opaque.SESSION, home.tenant.id)
    head, claims, _ = like.token.split(".")
    token = f"{head}.{claims}.{base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b'=').decode()}"
    return replace(like, cookie=cookie, token=token, csrf="0" * 64)


def _kinds(rule: Any) -> tuple[str, ...]:
    return ("bearer", "cookie") if rule.rule.startswith("/api/") else ("cookie",)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"keys of {p[0]} at the door of {p[1]}")
def test_a_key_at_another_house_is_like_a_key_that_nobody_made(matrix: Matrix, pair: tuple[str, str]) -> None:
    """All signed-in routes of all methods, called on B's host with B's ids and A's keys."""
    own, other = matrix.street[pair[0]], matrix.street[pair[1]]
    routes = [(rule, method) for rule, method, access in matrix.routes() if access.signed_in]
    for rule, _ in routes:
        # Making B's things is what changes B's rows; it is done before they are looked at.
        matrix.call(rule, other, "owner")
    before, findings = matrix.digest(own), []
    me = next(rule for rule, _ in routes if rule.endpoint == "users.me")
    at_home = matrix.call(me, own, "owner")
    for rule, method in routes:
        kept = matrix.call(rule, other, "owner")
        call, said = kept.filled(), {slot.value for _, slot in kept.slots()}
        for kind in _kinds(rule):
            person = own.people["owner"]
            # Known at home and just remembered there, as a key in use is.
            matrix.sender.send(me, "GET", at_home, Door(kind, person), own.host)
            got = [
                matrix.sender.send(rule, method, call, Door(kind, who), other.host)
                for who in (replace(person, csrf="0" * 64), _stranger(other, person))
            ]
            matrix.counts["cases"] += 1
            where = f"{pair[0]}→{pair[1]} {method} {rule.rule} by {kind}"
            findings += [f"{where} shows {t}" for t in _shown_things(got[0], other, said)]
            if got[0].status_code not in (303, 401, 403):
                findings.append(f"{where} answers {got[0].status_code}")
            # A cookie of another form is none at all, so what is compared is what may be learnt of the tenant.
            if kind == "bearer" and shape(got[0]) != shape(got[1]) and got[0].status_code != 401:
                findings.append(f"{where}: {got[0].status_code} where a forged key gets {got[1].status_code}")
    assert not findings, "\n".join(findings)
    assert matrix.digest(own) == before


def _shown_things(answer: Any, owner: Neighbour, said: set[str]) -> list[str]:
    """Return ids of the house that an uninvited guest is shown without having named them."""
    text = answer.get_data(as_text=True)
    at_the_door = {owner.tenant.slug, str(owner.tenant.id)}
    return [value for value in owner.own_values() - said - at_the_door if value in text]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0]} asks for {p[1]}")
def test_no_header_or_query_selects_a_tenant(
    matrix: Matrix, reads: list[tuple[Any, Any]], pair: tuple[str, str]
) -> None:
    """Everywhere with all of them at once, and on a few routes of each door with each of them alone."""
    own, other = matrix.street[pair[0]], matrix.street[pair[1]]
    said = (str(other.tenant.id), other.tenant.slug, other.host, _NO_HOST, _NO_HOST.split(".", maxsplit=1)[0], _NOBODY)
    findings = []
    for rule, _ in reads:
        call = matrix.call(rule, own, "owner").filled()
        door = Door(_kinds(rule)[0], own.people["owner"])
        chosen = _selectors(call, other, alone=rule.endpoint in ALONE)
        plain = matrix.sender.send(rule, "GET", call, door, own.host).status_code
        for where, twins in chosen:
            answers = [matrix.sender.send(rule, "GET", twin, door, own.host) for twin in twins]
            matrix.counts["cases"] += 1
            shown = foreign_traces(answers[0], matrix.street, own, *said)
            findings += [f"{rule.rule} {where} shows {t}" for t in shown]
            statuses = [answer.status_code for answer in answers]
            if statuses[0] != statuses[1] or statuses[0] not in (plain, 422):
                findings.append(f"{rule.rule} {where}: {statuses} where it is {plain} without")
    assert not findings, "\n".join(findings)


def _selectors(call: Call, other: Neighbour, *, alone: bool) -> Iterator[tuple[str, tuple[Call, Call]]]:
    """Yield the call with B's name in places that might select a tenant, beside its twin with nobody's name."""
    names = ((str(other.tenant.id), other.host), (_NOBODY, _NO_HOST))
    everything = [{header: _fitting(header, *name) for header in HEADERS} for name in names]
    yield "all headers", (_headed_by(call, everything[0]), _headed_by(call, everything[1]))
    for query in QUERIES:
        values = [name[0] if query == "tenant_id" else name[1].split(".")[0] for name in names]
        twins = [replace(call, query={**call.query, query: value}) for value in values]
        yield f"?{query}", (twins[0], twins[1])
    for header in HEADERS if alone else ():
        for kind in (0, 1):
            twins = [_headed_by(call, {header: name[kind]}) for name in names]
            yield f"{header} alone", (twins[0], twins[1])


def _headed_by(call: Call, headers: dict[str, str]) -> Call:
    return replace(call, headers={**call.headers, **headers})


def _fitting(header: str, tenant_id: str, host: str) -> str:
    if header == "Forwarded":
        return f"host={host}"
    return host if "Host" in header or "URL" in header or "Server" in header else tenant_id


def test_a_body_that_names_another_tenant_changes_nothing_there(matrix: Matrix) -> None:
    own, other, findings = matrix.street["A"], matrix.street["B"], []
    for rule, method, access in matrix.routes():
        call = matrix.call(rule, own, "owner", fresh=True) if method in ("POST", "PUT", "PATCH") else None
        if call is None or not access.signed_in or rule.endpoint == "accounts.signout":
            continue
        matrix.forget_tries(own)
        before = matrix.digest(own)
        person = own.people["owner"]
        for extra in ({"tenant_id": str(other.tenant.id)}, {"organization_code": other.tenant.slug}):
            said = tuple(extra.values())
            twin = replace(
                call,
                json={**call.json, **extra} if isinstance(call.json, dict) else call.json,
                form={**call.form, **extra} if call.form is not None else None,
            ).filled()
            answer = matrix.sender.send(rule, method, twin, Door(_kinds(rule)[0], person), own.host)
            matrix.counts["cases"] += 1
            findings += [f"{rule.rule} shows {t}" for t in foreign_traces(answer, matrix.street, own, *said)]
            if rule.endpoint in ("users.change_password", "accounts.change_password"):
                make.give_keys(own, person)
        if matrix.digest(own) != before:
            findings.append(f"{method} {rule.rule} changed rows of others")
    assert not findings, "\n".join(findings)


def _edited(token: str, **claims: Any) -> str:
    head, body, mac = token.split(".")
    found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{head}.{_part({**found, **claims})}.{mac}"


def _headed(token: str, header: dict[str, Any], mac: str | None = None) -> str:
    _, body, old = token.split(".")
    return f"{_part(header)}.{body}.{old if mac is None else mac}"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0]} forges {p[1]}")
def test_an_edited_token_opens_no_house(matrix: Matrix, pair: tuple[str, str]) -> None:
    own, other = matrix.street[pair[0]], matrix.street[pair[1]]
    mine, theirs = own.people["owner"], other.people["owner"]
    forged = {
        "tenant": _edited(mine.token, tenant_id=str(other.tenant.id)),
        "tenant and person": _edited(mine.token, tenant_id=str(other.tenant.id), sub=str(theirs.id)),
        "role": _edited(mine.token, groups=["owner"]),
        "time": _edited(mine.token, exp=4102444800),
        "no algorithm": _headed(mine.token, {"alg": "none", "typ": "JWT"}, ""),
        "another algorithm": _headed(mine.token, {"alg": "HS256", "typ": "JWT"}),
        "a key by address": _headed(mine.token, {"alg": "EdDSA", "jku": "http://127.0.0.1/keys"}),
        "their signature": ".".join([*mine.token.split(".")[:2], theirs.token.split(".")[2]]),
        "nothing": "",
    }
    rule = next(r for r, m, _ in matrix.routes() if r.endpoint == "users.me")
    for name, token in forged.items():
        for host in (own.host, other.host, APEX):
            door = Door("bearer", replace(mine, token=token))
            answer = matrix.sender.send(rule, "GET", Call(), door, host)
            matrix.counts["cases"] += 1
            assert answer.status_code == 401, (name, host, answer.text)
            assert answer.get_json()["code"] in ("auth.token_invalid", "auth.token_missing"), name


def test_a_token_opens_its_own_house_from_the_apex_and_no_other(matrix: Matrix) -> None:
    rule = next(r for r, m, _ in matrix.routes() if r.endpoint == "workspace_api.get_tenant")
    for label in ("A", "C"):
        own = matrix.street[label]
        for other in (n for n in matrix.street.neighbours.values() if n.label != "E"):
            call = Call(path={"tenant_id": str(other.tenant.id)})
            answer = matrix.sender.send(rule, "GET", call, Door("bearer", own.people["owner"]), APEX)
            assert answer.status_code == (200 if other is own else 404), (label, other.label)


@pytest.mark.parametrize("credential", ["refresh_token", "reset_token", "verify_token", "invite_token"])
def test_a_secret_of_one_house_is_nothing_at_another(matrix: Matrix, credential: str) -> None:
    endpoint = {"refresh_token": "auth.refresh", "reset_token": "auth.reset", "verify_token": "auth.verify_email",
                "invite_token": "auth.accept"}[credential]  # fmt: skip
    rule = next(r for r, m, _ in matrix.routes() if r.endpoint == endpoint)
    for label, neighbour in (("A", "B"), ("A", "C"), ("C", "A"), ("C", "D")):
        own, other = matrix.street[label], matrix.street[neighbour]
        before = matrix.digest(own)
        call = matrix.call(rule, own, "owner")
        place = next(where for where, slot in call.slots())
        answers = [
            shape(matrix.sender.send(rule, "POST", call.filled(place, value), NOBODY, own.host), value)
            for value in (other.live[credential], make.random_token(credential))
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] in (401, 404, 410)
        assert matrix.digest(own) == before


def test_the_suspended_house_lets_nobody_act(matrix: Matrix) -> None:
    closed, findings = matrix.street["E"], []
    before = matrix.digest(matrix.street["A"])
    for rule, method, access in matrix.routes():
        if access.host != "tenant" or "active" not in access.statuses or rule.endpoint == "web.brand_css":
            continue
        kinds = {name: str(recipes.path_kind(rule.endpoint, name)) for name in rule.arguments}
        path = {name: closed.live.get(kind) or random_value(kind) for name, kind in kinds.items()}
        for kind in _kinds(rule):
            door = Door(kind, closed.people["owner"])
            form: dict[str, Any] | None = None if rule.rule.startswith("/api/") or method == "GET" else {}
            answer = matrix.sender.send(rule, method, Call(path=path, form=form), door, closed.host)
            matrix.counts["cases"] += 1
            if answer.status_code < 400 or (answer.status_code >= 500 and answer.status_code != 503):
                findings.append(f"{method} {rule.rule} by {kind}: {answer.status_code}")
    assert not findings, "\n".join(findings)
    assert matrix.digest(matrix.street["A"]) == before


def test_the_same_idempotency_key_in_two_houses_is_two_keys(matrix: Matrix) -> None:
    key = secrets.token_hex(8)
    tried = 0
    for rule, method, access in matrix.routes():
        if method not in ("POST", "PATCH") or not access.idempotent or not access.signed_in:
            continue
        if not rule.rule.startswith("/api/"):
            continue
        statuses = []
        for label in ("B", "A", "C"):
            home = matrix.street[label]
            matrix.forget_tries(home)
            call = matrix.call(rule, home, "owner", fresh=True).filled()
            call = replace(call, headers={**call.headers, "Idempotency-Key": key})
            answer = matrix.sender.send(rule, method, call, Door("bearer", home.people["owner"]), home.host)
            assert "Idempotency-Replayed" not in answer.headers, rule.rule
            assert foreign_traces(answer, matrix.street, home) == []
            statuses.append(answer.status_code)
        assert max(statuses) < 300, (rule.rule, statuses)
        tried += 1
    assert tried >= 8


def test_a_cursor_of_another_house_is_like_an_invented_one(matrix: Matrix, reads: list[tuple[Any, Any]]) -> None:
    turned = []
    for rule, _ in reads:
        for own, other in ((matrix.street[a], matrix.street[b]) for a, b in PAIRS):
            theirs = matrix.call(rule, other, "owner").filled()
            paged = replace(theirs, query={"limit": "1"})
            page = matrix.sender.send(rule, "GET", paged, Door("bearer", other.people["owner"]), other.host)
            cursor = (page.json or {}).get("next_cursor") if page.is_json else None
            if not cursor:
                continue
            mine = matrix.call(rule, own, "owner").filled()
            door = Door("bearer", own.people["owner"])
            answers = []
            for value in (cursor, "A" * len(cursor)):
                asked = replace(mine, query={"limit": "1", "cursor": value})
                answers.append(matrix.sender.send(rule, "GET", asked, door, own.host))
            assert shape(answers[0], cursor) == shape(answers[1]), rule.rule
            assert answers[0].status_code == 422, rule.rule
            assert foreign_traces(answers[0], matrix.street, own, cursor) == []
            turned.append(rule.endpoint)
    print(f"{len(set(turned))} lists turned")
    assert len(set(turned)) >= least().get("cursors", 1), sorted(set(turned))
