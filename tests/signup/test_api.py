"""Signing a company up over the API and the form."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.world import client_at

PASSWORD = "a lighthouse in the fog"


def body(**changes: Any) -> dict[str, Any]:
    slug = f"harbour-{uuid.uuid4().hex[:8]}"
    given = {"company_name": "Harbour Press", "slug": slug, "admin_email": "ada@harbour.example", "password": PASSWORD}
    return {**given, **changes}


@pytest.fixture
def apex(app: Any) -> Any:
    return client_at(app, "localhost")


@pytest.mark.parametrize("tier", ["basic", "premium", "enterprise"])
def test_a_company_signs_up_and_signs_in(apex: Any, app: Any, drain: Any, tier: str) -> None:
    sent = body(tier=tier)
    answer = apex.post("/api/v1/tenants", json=sent)
    assert answer.status_code == 202
    assert answer.json["status"] == "provisioning"
    path = answer.json["status_url"].removeprefix("http://localhost")
    assert apex.get(path).json["status"] == "provisioning"
    drain()
    status = apex.get(path).json
    assert (status["status"], status["url"]) == ("active", f"http://{sent['slug']}.localhost/")
    client = client_at(app, f"{sent['slug']}.localhost")
    signed = client.post("/api/v1/auth/signin", json={"email": sent["admin_email"], "password": PASSWORD})
    assert signed.status_code == 200, signed.text
    assert (signed.json["token_type"].lower(), signed.json["expires_in"]) == ("bearer", 3600)
    own = client.get(
        f"/api/v1/tenants/{status['id']}", headers={"Authorization": f"Bearer {signed.json['access_token']}"}
    )
    assert own.json["isolation_model"] == ("dedicated" if tier == "enterprise" else "pooled")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"slug": "www"}, "#/slug"), ({"slug": "A B"}, "#/slug"), ({"slug": ""}, "#/slug"),
     ({"company_name": ""}, "#/company_name"),
     ({"company_name": "   "}, "#/company_name"), ({"admin_email": "nobody"}, "#/admin_email"),
     ({"password": "short"}, "#/password"),
     ({"password": "Harbour Press 1"}, "#/password"),
     ({"tier": "platinum"}, "#/tier"), ({"is_admin": True}, "#/is_admin"), ({"tenant_id": "x"}, "#/tenant_id"),
     ({"region": "moon"}, "#/region"), ({"company_name": 5}, "#/company_name")],
)  # fmt: skip
def test_a_wrong_field_is_pointed_at(apex: Any, changes: dict[str, Any], pointer: str) -> None:
    answer = apex.post("/api/v1/tenants", json=body(**changes))
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


def test_a_taken_slug_is_a_conflict_and_said_while_typing(apex: Any) -> None:
    sent = body()
    assert apex.get(f"/api/v1/tenants/slugs/{sent['slug']}").json["available"] is True
    apex.post("/api/v1/tenants", json=sent)
    assert apex.get(f"/api/v1/tenants/slugs/{sent['slug']}").json["available"] is False
    answer = apex.post("/api/v1/tenants", json={**sent, "company_name": "Other"})
    assert (answer.status_code, answer.json["code"]) == (409, "tenant.slug_taken")
    assert "is taken" in apex.get(f"/signup/address?slug={sent['slug']}").text


def test_a_repeated_sign_up_with_one_key_makes_one_tenant(app: Any, apex: Any) -> None:
    sent, key = body(), {"Idempotency-Key": uuid.uuid4().hex}

    def once(_: int) -> tuple[int, str]:
        client = client_at(app, "localhost")
        answer = client.post("/api/v1/tenants", json=sent, headers=key)
        return answer.status_code, answer.json.get("id", "")

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(once, range(4)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 202
    other = apex.post("/api/v1/tenants", json={**sent, "company_name": "Other"}, headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency.mismatch")


def test_sign_up_answers_on_the_apex_alone(acme: Any) -> None:
    assert acme.browser().post("/api/v1/tenants", json=body()).status_code == 404
    assert acme.browser().get("/signup").status_code == 404


def test_an_unknown_sign_up_is_not_found(apex: Any) -> None:
    assert apex.get(f"/api/v1/tenants/{uuid.uuid4()}/provisioning").status_code == 404
    assert apex.get(f"/signup/{uuid.uuid4()}").status_code == 404


def test_the_form_works_without_javascript(apex: Any, drain: Any) -> None:
    page = apex.get("/signup").text
    fields = dict(re.findall(r'name="(csrf_token|idempotency_key)"[^>]*value="([^"]*)"', page))
    sent = {**body(), **fields}
    wrong = apex.post("/signup", data={**sent, "slug": "www"})
    assert wrong.status_code == 422
    assert "reserved" in wrong.text
    assert PASSWORD not in wrong.text
    assert "Harbour Press" in wrong.text
    answer = apex.post("/signup", data=sent)
    assert answer.status_code == 303
    assert "Opening Harbour Press" in apex.get(answer.headers["Location"]).text
    drain()
    assert "is open" in apex.get(answer.headers["Location"]).text


def test_no_answer_holds_the_password_or_its_hash(apex: Any, drain: Any) -> None:
    sent = body()
    answer = apex.post("/api/v1/tenants", json=sent)
    path = answer.json["status_url"].removeprefix("http://localhost")
    for text in (
        answer.text,
        apex.get(path).text,
        apex.get(path.replace("/api/v1/tenants", "/signup").removesuffix("/provisioning")).text,
    ):
        assert PASSWORD not in text
        assert "argon2" not in text
