"""Signing in with a browser: cookies, CSRF, expiry and sign-out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts import sessions
from app.accounts.actors import CACHE
from app.accounts.models import LoginSession, UserAccount
from tests.accounts.conftest import add_person, csrf_of, sign_in, submit
from tests.world import PASSWORD


def _forget_actors() -> None:
    CACHE.drop(lambda actor: True)


def _cookie(answer, name="terrace_session"):
    return next((c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}=")), "")


def test_the_session_cookie_is_for_this_host_and_no_script(acme):
    answer = submit(acme.browser(), "/signin", {"email": acme.owner_email, "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/home"
    cookie = _cookie(answer)
    attributes = {part.strip().split("=")[0].lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite", "path", "max-age"} <= attributes
    assert "domain" not in attributes
    assert "SameSite=Lax" in cookie
    assert len(cookie) < 4096


def test_only_a_hash_of_the_cookie_is_kept(acme):
    browser = sign_in(acme)
    value = browser.get_cookie("terrace_session", domain=acme.host).value
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(LoginSession)).one()
        assert row.kind == "web"
        assert value not in (row.token_hash, str(row.id))
        assert len(row.token_hash) == 64


def test_a_signed_in_browser_sees_pages_and_a_stranger_the_door(acme):
    assert sign_in(acme).get("/account").status_code == 200
    away = acme.browser().get("/people?cursor=x")
    assert (away.status_code, away.headers["Location"]) == (303, "/signin?next=/people?cursor%3Dx")


def test_after_signing_in_one_goes_where_one_wanted(acme):
    data = {"email": acme.owner_email, "password": PASSWORD, "next": "/people"}
    answer = submit(acme.browser(), "/signin", data, page="/signin?next=/people")
    assert answer.headers["Location"] == "/people"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie:x=1"],
)
def test_signing_in_leads_nowhere_else(acme, target):
    data = {"email": acme.owner_email, "password": PASSWORD, "next": target}
    answer = submit(acme.browser(), "/signin", data)
    assert answer.headers["Location"] == "/home"


def test_a_wrong_password_shows_the_form_again_without_it(acme):
    answer = submit(acme.browser(), "/signin", {"email": acme.owner_email, "password": "wrong but secret words"})
    assert answer.status_code == 422
    assert acme.owner_email in answer.text
    assert "wrong but secret words" not in answer.text
    assert "Check the address and the password" in answer.text


def test_a_session_that_was_planted_before_is_not_the_one_after(acme):
    browser = sign_in(acme)
    planted = browser.get_cookie("terrace_session", domain=acme.host).value
    browser.delete_cookie("terrace_session", domain=acme.host)
    page = browser.get("/signin")
    browser.set_cookie("terrace_session", planted, domain=acme.host)
    again = browser.get("/account")
    answer = browser.post(
        "/signin", data={"csrf_token": csrf_of(again.text), "email": acme.owner_email, "password": PASSWORD}
    )
    assert page.status_code == 200
    assert answer.status_code == 303
    assert planted not in _cookie(answer)
    thief = acme.browser()
    thief.set_cookie("terrace_session", planted, domain=acme.host)
    assert thief.get("/account").status_code == 303


def test_signing_out_ends_the_session_and_clears_the_browser(acme):
    browser = sign_in(acme)
    value = browser.get_cookie("terrace_session", domain=acme.host).value
    token = csrf_of(browser.get("/account").text)
    answer = browser.post("/signout", data={"csrf_token": token})
    assert answer.status_code == 303
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert "no-store" in answer.headers["Cache-Control"]
    browser.set_cookie("terrace_session", value, domain=acme.host)
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("column", ["last_seen_at", "expires_at"])
def test_a_session_ends_when_idle_and_after_twelve_hours(acme, column):
    browser = sign_in(acme)
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(LoginSession)).one()
        assert row.expires_at - row.created_at == sessions.LONGEST
        if column == "last_seen_at":
            row.last_seen_at = ctx.now - sessions.IDLE - timedelta(seconds=1)
        else:
            row.expires_at = ctx.now - timedelta(seconds=1)
    _forget_actors()
    away = browser.get("/account")
    assert away.status_code == 303
    assert "ended=1" in away.headers["Location"]
    assert _cookie(away).startswith("terrace_session=;")


def test_an_ended_session_inside_a_page_part_answers_with_a_part(acme):
    answer = acme.browser().get("/account", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "<html" not in answer.text
    assert 'href="/signin"' in answer.text


def test_a_session_in_use_is_seen_and_stays(acme):
    browser = sign_in(acme)
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(LoginSession)).one()
        row.last_seen_at = ctx.now - timedelta(minutes=29)
    _forget_actors()
    assert browser.get("/account").status_code == 200
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(LoginSession)).one()
        assert ctx.now - row.last_seen_at < timedelta(minutes=1)
        assert row.activated_at is not None


def test_no_more_than_twenty_sessions_live(acme):
    with acme.ctx() as ctx:
        owner = ctx.db.scalars(select(LoginSession)).first()
        assert owner is None
    sign_in(acme)
    with acme.ctx() as ctx:
        user_id = ctx.db.scalars(select(LoginSession.user_id)).one()
        user = ctx.db.get_one(UserAccount, (acme.tenant.id, user_id))
        for _ in range(25):
            sessions.open_web(ctx, user=user, visitor=sessions.Visitor())
    with acme.ctx() as ctx:
        live = ctx.db.scalars(select(LoginSession).where(LoginSession.revoked_at.is_(None))).all()
        assert len(live) == sessions.MAX_SESSIONS


class TestCsrf:
    """Another site cannot act in a signed-in browser."""

    def test_a_post_without_the_token_is_refused(self, acme):
        answer = sign_in(acme).post("/account", data={"name": "Eve"})
        assert answer.status_code == 403
        assert "Load the page again" in answer.text

    def test_the_token_of_another_person_is_refused(self, acme):
        add_person(acme, "bob@acme.example")
        bobs = csrf_of(sign_in(acme, "bob@acme.example").get("/account").text)
        assert sign_in(acme).post("/account", data={"name": "Eve", "csrf_token": bobs}).status_code == 403

    def test_the_token_of_the_door_is_refused_inside(self, acme):
        outside = csrf_of(acme.browser().get("/signin").text)
        assert sign_in(acme).post("/account", data={"name": "Eve", "csrf_token": outside}).status_code == 403

    def test_a_stranger_cannot_be_signed_in_by_another_site(self, acme, globex):
        data = {"email": acme.owner_email, "password": PASSWORD}
        assert acme.browser().post("/signin", data=data).status_code == 403
        other = acme.browser()
        foreign = csrf_of(globex.browser().get("/signin").text)
        other.get("/signin")
        assert other.post("/signin", data=data | {"csrf_token": foreign}).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"},
         {"Origin": "http://evil.example"}, {"Origin": "https://acme.localhost"}],
    )  # fmt: skip
    def test_the_right_token_from_another_origin_is_refused(self, acme, headers):
        browser = sign_in(acme)
        token = csrf_of(browser.get("/account").text)
        answer = browser.post("/account", data={"name": "Eve", "csrf_token": token}, headers=headers)
        assert answer.status_code == 403

    def test_the_right_token_from_here_is_taken(self, acme):
        browser = sign_in(acme)
        token = csrf_of(browser.get("/account").text)
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{acme.host}"}
        assert browser.post("/account", data={"name": "Al", "csrf_token": token}, headers=headers).status_code == 303
        fragment = browser.post("/account", data={"name": "Alice"}, headers={"X-CSRF-Token": token})
        assert fragment.status_code == 303

    def test_json_by_cookie_needs_the_token_in_a_header(self, acme):
        browser = sign_in(acme)
        token = csrf_of(browser.get("/account").text)
        body = {"name": "Eve"}
        assert browser.patch("/api/v1/users/me", json=body).json["code"] == "csrf.failed"
        assert browser.patch("/api/v1/users/me", json=body, headers={"X-CSRF-Token": token}).status_code == 200

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
    def test_json_addresses_refuse_what_a_plain_form_can_send(self, acme, kind):
        answer = acme.browser().post("/api/v1/auth/signin", data="{}", content_type=kind)
        assert (answer.status_code, answer.json["code"]) == (415, "request.media_type")

    def test_reading_changes_nothing_without_a_token(self, acme):
        assert sign_in(acme).get("/account").status_code == 200


def test_a_cookie_of_one_tenant_opens_no_other(acme, globex):
    value = sign_in(acme).get_cookie("terrace_session", domain=acme.host).value
    browser = globex.browser()
    browser.set_cookie("terrace_session", value, domain=globex.host)
    assert browser.get("/account").status_code == 303
    assert browser.get("/signin").status_code == 200
