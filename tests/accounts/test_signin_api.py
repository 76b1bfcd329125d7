"""Signing in and out over the API, and what refresh tokens may do."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts import refresh, tokens
from app.accounts.models import AuthToken, LoginSession, UserAccount
from app.kit.clock import utcnow
from tests.accounts.conftest import add_person
from tests.world import PASSWORD, Api, House


def _sign_in(house: House, **body: Any) -> Any:
    data = {"email": house.owner_email, "password": PASSWORD} | body
    return house.browser().post("/api/v1/auth/signin", json=data)


def _refresh(house: House, token: str) -> Any:
    return house.browser().post("/api/v1/auth/refresh", json={"refresh_token": token})


def _states(house: House) -> list[str]:
    with house.ctx() as ctx:
        return list(ctx.db.scalars(select(AuthToken.state).order_by(AuthToken.generation)))


def test_an_owner_signs_in_and_sees_who_they_are(acme):
    answer = _sign_in(acme)
    assert answer.status_code == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    me = Api(acme.browser(), answer.json["access_token"]).get("/users/me")
    assert (me.json["email"], me.json["role"]) == (acme.owner_email, "owner")
    assert "accounts.user.invite" in me.json["permissions"]


@pytest.mark.parametrize("house", ["acme", "initech"])
def test_signing_in_works_on_the_apex_with_the_code(house, request, app):
    home = request.getfixturevalue(house)
    body = {"email": home.owner_email, "password": PASSWORD, "organization_code": home.tenant.slug}
    answer = app.test_client().post("/api/v1/auth/signin", json=body)
    assert answer.status_code == 200, answer.text
    header = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert app.test_client().get("/api/v1/users/me", headers=header).json["email"] == home.owner_email


def test_on_the_apex_the_code_is_needed(app):
    answer = app.test_client().post("/api/v1/auth/signin", json={"email": "a@b.example", "password": "x"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/organization_code"


def test_a_code_cannot_lead_from_one_host_into_another(acme, globex):
    assert _sign_in(acme, organization_code=globex.tenant.slug).status_code == 422


def test_wrong_password_and_unknown_person_get_one_answer(acme):
    known = _sign_in(acme, password="not the right one").json
    unknown = _sign_in(acme, email="nobody@acme.example").json
    assert known.pop("request_id") != unknown.pop("request_id")
    assert known == unknown
    assert (known["status"], known["code"]) == (401, "auth.credentials_wrong")


def test_the_address_may_be_spelled_in_other_case(acme):
    assert _sign_in(acme, email=acme.owner_email.upper()).status_code == 200


def test_the_password_of_one_tenant_opens_no_other(acme, globex):
    assert _sign_in(globex, email=acme.owner_email).status_code == 401


def test_a_refresh_token_is_exchanged_once_for_the_next(acme):
    first = _sign_in(acme).json
    second = _refresh(acme, first["refresh_token"])
    assert second.status_code == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert _states(acme) == ["refreshed", "issued"]
    assert Api(acme.browser(), second.json["access_token"]).get("/users/me").status_code == 200
    assert _states(acme) == ["refreshed", "active"]


def test_a_retry_within_the_tolerance_gets_the_same_successor(acme):
    first = _sign_in(acme).json["refresh_token"]
    successors = {_refresh(acme, first).json["refresh_token"] for _ in range(3)}
    assert len(successors) == 1
    assert _states(acme) == ["refreshed", "issued"]


def test_a_copy_that_comes_late_ends_the_whole_family(acme, mails, drain):
    first = _sign_in(acme).json["refresh_token"]
    second = _refresh(acme, first).json
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(AuthToken).where(AuthToken.generation == 1)).one()
        row.spent_at = ctx.now - refresh.TOLERANCE - timedelta(seconds=1)
    answer = _refresh(acme, first)
    assert (answer.status_code, answer.json["code"]) == (401, "auth.token_invalid")
    assert _states(acme) == ["refreshed", "revoked"]
    assert _refresh(acme, second["refresh_token"]).status_code == 401
    assert Api(acme.browser(), second["access_token"]).get("/users/me").status_code == 401
    drain()
    assert mails(acme.owner_email)[0]["subject"].startswith("A sign-in to Acme was ended")


def test_a_grandparent_inside_the_tolerance_ends_the_family(acme):
    first = _sign_in(acme).json["refresh_token"]
    second = _refresh(acme, first).json["refresh_token"]
    third = _refresh(acme, second).json["refresh_token"]
    assert _refresh(acme, first).status_code == 401
    assert _refresh(acme, third).status_code == 401
    assert _states(acme) == ["refreshed", "refreshed", "revoked"]


def test_twenty_refreshes_at_once_make_one_line(acme):
    first = _sign_in(acme).json["refresh_token"]
    barrier, answers = threading.Barrier(20), []

    def run() -> None:
        client = acme.browser()
        barrier.wait()
        answers.append(client.post("/api/v1/auth/refresh", json={"refresh_token": first}))

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = {answer.json["refresh_token"] for answer in answers if answer.status_code == 200}
    assert len(good) == 1
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    assert _states(acme) == ["refreshed", "issued"]


def test_a_refresh_token_is_good_for_nothing_else(acme):
    token = _sign_in(acme).json["refresh_token"]
    assert Api(acme.browser(), token).get("/users/me").json["code"] == "auth.token_invalid"
    browser = acme.browser()
    browser.set_cookie("terrace_session", token, domain=acme.host)
    assert browser.get("/api/v1/users/me").status_code == 401


def test_a_refresh_token_of_one_tenant_is_refused_at_another(acme, globex):
    answer = _refresh(globex, _sign_in(acme).json["refresh_token"])
    assert (answer.status_code, answer.json["code"]) == (401, "auth.token_invalid")


def test_signing_out_ends_the_session_at_once(acme):
    signed = _sign_in(acme).json
    api = Api(acme.browser(), signed["access_token"])
    assert api.get("/users/me").status_code == 200
    assert api.post("/auth/signout").status_code == 204
    refused = api.get("/users/me")
    assert (refused.status_code, refused.json["code"]) == (401, "auth.token_invalid")
    assert _refresh(acme, signed["refresh_token"]).status_code == 401
    with acme.ctx() as ctx:
        assert [row.revoke_reason for row in ctx.db.scalars(select(LoginSession))] == ["signed_out"]


def test_signing_out_takes_a_token_for_five_minutes_after_its_end(acme, settings):
    signed = _sign_in(acme).json
    with acme.ctx() as ctx:
        session = ctx.db.scalars(select(LoginSession)).one()
        user = ctx.db.get_one(UserAccount, (acme.tenant.id, session.user_id))
        ended = utcnow() - tokens.LIFETIME
        late = tokens.issue(settings, acme.tenant, user=user, session_id=session.id, now=ended - timedelta(seconds=290))
        too_late = tokens.issue(
            settings, acme.tenant, user=user, session_id=session.id, now=ended - timedelta(seconds=310)
        )
    refused = Api(acme.browser(), late).get("/users/me")
    assert (refused.status_code, refused.json["code"]) == (401, "auth.token_expired")
    assert refused.json["grace_ends_at"] > utcnow().isoformat()
    assert Api(acme.browser(), too_late).post("/auth/signout").status_code == 401
    assert Api(acme.browser(), late).post("/auth/signout").status_code == 204
    assert Api(acme.browser(), signed["access_token"]).get("/users/me").status_code == 401


def test_suspended_people_are_told_so_before_anything_about_their_session(acme):
    bob = add_person(acme, "bob@acme.example")
    api = acme.api("bob@acme.example")
    assert api.get("/users/me").status_code == 200
    answer = acme.api().patch(f"/users/{bob}", json={"status": "suspended"})
    assert answer.status_code == 200, answer.text
    refused = api.get("/users/me")
    assert (refused.status_code, refused.json["code"]) == (403, "auth.user_inactive")
    assert _sign_in(acme, email="bob@acme.example").json["code"] == "auth.user_inactive"


def test_without_a_token_the_answer_names_the_scheme(acme):
    answer = acme.browser().get("/api/v1/users/me")
    assert (answer.status_code, answer.json["code"]) == (401, "auth.token_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_one_ends_another_sign_in_of_ones_own(acme):
    first, second = acme.api(), acme.api()
    listed = second.get("/auth/sessions").json["items"]
    other = next(item for item in listed if not item["current"])
    assert second.delete(f"/auth/sessions/{other['id']}").status_code == 204
    assert first.get("/users/me").status_code == 401
    assert second.get("/users/me").status_code == 200


def test_nobody_ends_the_sign_in_of_another(acme):
    add_person(acme, "bob@acme.example")
    owners = acme.api().get("/auth/sessions").json["items"][0]["id"]
    assert acme.api("bob@acme.example").delete(f"/auth/sessions/{owners}").status_code == 404
