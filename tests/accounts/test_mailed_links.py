"""Confirmation, reset and invitation links: once, for an hour, for one person, purpose and tenant."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select

from app.accounts import links
from app.accounts.models import LoginSession, OneTimeToken, UserAccount
from app.accounts.service import list_in_directory
from app.workspace.service import settings as workspace_settings
from tests.accounts.conftest import NEW_PASSWORD, add_person, confirm_owner, csrf_of, link_in, sign_in, submit, token_in
from tests.world import PASSWORD

API = "/api/v1/auth"


def _post(house, path, **body):
    return house.browser().post(f"{API}{path}", json=body)


def _forgot(house, drain, mails, email=None):
    assert _post(house, "/password/forgot", email=email or house.owner_email).status_code == 202
    drain()
    return mails(email or house.owner_email)[0]


def _issue(house, purpose):
    with house.ctx() as ctx:
        user = ctx.db.scalars(select(UserAccount).where(UserAccount.email == house.owner_email)).one()
        return links.issue(ctx, user_id=user.id, purpose=purpose)


def test_the_first_owner_confirms_the_address_by_the_link_in_the_mail(initech, mails):
    acme = initech
    mail = next(m for m in mails(acme.owner_email) if acme.tenant.slug in m["text"])
    assert mail["subject"] == "Confirm your address for Initech"
    assert mail["html"]
    browser = sign_in(acme)
    assert "We sent a link to" in browser.get("/account").text
    path = "/verify-email/" + token_in(mail)
    assert "Confirm address" in browser.get(path).text
    done = browser.post(path, data={"csrf_token": csrf_of(browser.get(path).text)})
    assert "Address confirmed" in done.text
    assert "We sent a link to" not in browser.get("/account").text
    assert browser.post(path, data={"csrf_token": csrf_of(browser.get("/account").text)}).status_code == 410


def test_opening_a_link_alone_changes_nothing(acme):
    token = _issue(acme, "verify")
    for _ in range(3):
        assert "Confirm address" in acme.browser().get(f"/verify-email/{token}").text
    assert _post(acme, "/verify-email", token=token).status_code == 204


def test_a_new_password_by_mail_ends_every_session(acme, mails, drain):
    api, browser = acme.api(), sign_in(acme)
    mail = _forgot(acme, drain, mails)
    assert link_in(mail).startswith(acme.world.runtime.settings.tenant_url(acme.tenant.slug, "/reset-password/"))
    path = "/reset-password/" + token_in(mail)
    answer = submit(acme.browser(), path, {"password": NEW_PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin?reset=1")
    assert api.get("/users/me").status_code == 401
    assert browser.get("/account").status_code == 303
    assert _post(acme, "/signin", email=acme.owner_email, password=PASSWORD).status_code == 401
    assert _post(acme, "/signin", email=acme.owner_email, password=NEW_PASSWORD).status_code == 200
    drain()
    assert mails(acme.owner_email)[0]["subject"] == "Your password for Acme was changed"


def test_a_weak_new_password_keeps_the_link(acme, mails, drain):
    path = "/reset-password/" + token_in(_forgot(acme, drain, mails))
    answer = submit(acme.browser(), path, {"password": "acme alice 2026"})
    assert answer.status_code == 422
    assert "easy to guess" in answer.text
    assert submit(acme.browser(), path, {"password": NEW_PASSWORD}).status_code == 303


def test_the_same_answer_and_no_mail_for_an_unknown_address(acme, mails, drain, fresh_email):
    unknown = _post(acme, "/password/forgot", email=fresh_email)
    known = _post(acme, "/password/forgot", email=acme.owner_email)
    assert (unknown.status_code, unknown.data) == (known.status_code, known.data)
    drain()
    assert mails(fresh_email) == []


def test_links_are_built_from_the_configuration_and_not_from_the_request(acme, mails, drain):
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    acme.browser().post(f"{API}/password/forgot", json={"email": acme.owner_email}, headers=headers)
    drain()
    mail = mails(acme.owner_email)[0]
    assert "evil.example" not in mail["text"] + mail["html"]
    foreign = acme.world.app.test_client().post(
        f"{API}/password/forgot", json={"email": acme.owner_email}, base_url="http://evil.example"
    )
    assert foreign.status_code == 404


@pytest.mark.parametrize("purpose", ["reset", "verify"])
def test_a_link_works_once(acme, purpose):
    body = {"token": _issue(acme, purpose)} | ({"password": NEW_PASSWORD} if purpose == "reset" else {})
    path = "/password/reset" if purpose == "reset" else "/verify-email"
    assert _post(acme, path, **body).status_code == 204
    again = _post(acme, path, **body)
    assert (again.status_code, again.json["code"]) == (410, "auth.link_spent")


def test_of_two_uses_at_once_one_wins(acme):
    token, answers, barrier = _issue(acme, "verify"), [], threading.Barrier(4)

    def use() -> None:
        client = acme.browser()
        barrier.wait()
        answers.append(client.post(f"{API}/verify-email", json={"token": token}).status_code)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [204, 410, 410, 410]


def test_a_link_of_another_purpose_is_none(acme):
    for purpose, path, extra in (
        ("verify", "/password/reset", {"password": NEW_PASSWORD}),
        ("invite", "/password/reset", {"password": NEW_PASSWORD}),
        ("reset", "/verify-email", {}),
        ("reset", "/invitations/accept", {"password": NEW_PASSWORD, "name": "Eve"}),
    ):
        token = _issue(acme, purpose)
        assert _post(acme, path, token=token, **extra).status_code == 410
        disguised = token.replace(token[:2], {"/verify-email": "ve", "/password/reset": "pr"}.get(path, "in"), 1)
        assert _post(acme, path, token=disguised, **extra).status_code == 410


def test_a_link_of_another_tenant_is_none(acme, globex):
    token = _issue(acme, "reset")
    answer = _post(globex, "/password/reset", token=token, password=NEW_PASSWORD)
    assert answer.status_code == 401
    assert "This link is spent" in globex.browser().get(f"/reset-password/{token}").text
    renamed = token.replace(acme.tenant.id.hex, globex.tenant.id.hex)
    assert _post(globex, "/password/reset", token=renamed, password=NEW_PASSWORD).status_code == 410


def test_a_link_lasts_an_hour(acme):
    token = _issue(acme, "reset")
    with acme.ctx() as ctx:
        row = ctx.db.scalars(select(OneTimeToken).where(OneTimeToken.purpose == "reset")).one()
        assert row.expires_at - row.created_at == timedelta(hours=1)
        assert token not in row.token_hash
        row.expires_at = ctx.now
    assert _post(acme, "/password/reset", token=token, password=NEW_PASSWORD).status_code == 410
    assert "This link is spent" in acme.browser().get(f"/reset-password/{token}").text


def test_a_newer_link_ends_the_earlier_one(acme):
    first, second = _issue(acme, "reset"), _issue(acme, "reset")
    assert _post(acme, "/password/reset", token=first, password=NEW_PASSWORD).status_code == 410
    assert _post(acme, "/password/reset", token=second, password=NEW_PASSWORD).status_code == 204


def test_no_link_and_no_name_stands_in_the_job_ledger(acme, drain, superuser_url):
    _post(acme, "/password/forgot", email=acme.owner_email)
    drain()
    with psycopg.connect(superuser_url) as connection:
        rows = connection.execute("SELECT args::text FROM desk.job WHERE kind = 'notifications.mail'").fetchall()
    assert rows
    assert not [row for row in rows if "http" in row[0] or "Alice" in row[0]]


class TestInvitations:
    """A colleague joins by mail."""

    def _invite(self, house, email, role="contributor"):
        confirm_owner(house)
        return house.api().post("/invitations", json={"email": email, "role": role})

    def test_an_invited_colleague_joins_and_is_signed_in(self, acme, mails, drain, fresh_email):
        answer = self._invite(acme, fresh_email)
        assert (answer.status_code, answer.json["status"]) == (201, "invited")
        drain()
        mail = mails(fresh_email)[0]
        assert mail["subject"] == "Alice invites you to Acme"
        browser, path = acme.browser(), "/invitations/" + token_in(mail)
        page = browser.get(path)
        assert "Alice invited you as contributor" in page.text
        joined = submit(browser, path, {"name": "Ben Ode", "password": NEW_PASSWORD})
        assert joined.status_code == 303
        assert browser.get("/account").status_code == 200
        me = acme.api(fresh_email, NEW_PASSWORD).get("/users/me").json
        assert (me["role"], me["name"], me["email_verified"]) == ("contributor", "Ben Ode", True)

    def test_inviting_waits_for_the_inviters_own_address(self, acme, fresh_email):
        answer = acme.api().post("/invitations", json={"email": fresh_email, "role": "viewer"})
        assert (answer.status_code, answer.json["code"]) == (403, "auth.email_unverified")

    def test_one_person_is_invited_once(self, acme, fresh_email):
        assert self._invite(acme, fresh_email).status_code == 201
        again = self._invite(acme, fresh_email.upper())
        assert (again.status_code, again.json["code"]) == (409, "accounts.user_exists")

    def test_an_invitation_that_was_taken_back_is_spent_and_its_seat_free(self, acme, mails, drain, fresh_email):
        user_id = self._invite(acme, fresh_email).json["id"]
        drain()
        path = "/invitations/" + token_in(mails(fresh_email)[0])
        assert acme.api().delete(f"/invitations/{user_id}").status_code == 204
        assert "This invitation is spent" in acme.browser().get(path).text
        assert acme.api().get("/invitations").json["items"] == []
        assert acme.api().get("/users").json["items"][0]["email"] == acme.owner_email

    def test_after_the_hour_the_link_mails_a_new_one(self, acme, mails, drain, fresh_email):
        self._invite(acme, fresh_email)
        drain()
        path = "/invitations/" + token_in(mails(fresh_email)[0])
        with acme.ctx() as ctx:
            ctx.db.scalars(select(OneTimeToken).where(OneTimeToken.purpose == "invite")).one().expires_at = ctx.now
        browser = acme.browser()
        assert "This link is an hour old" in browser.get(path).text
        assert "Look in your mail" in submit(browser, f"{path}/renew", {}, page=path).text
        drain()
        newer = "/invitations/" + token_in(mails(fresh_email)[0])
        assert newer != path
        assert submit(browser, newer, {"name": "Ben", "password": NEW_PASSWORD}).status_code == 303

    def test_after_seven_days_the_invitation_is_over(self, acme, mails, drain, fresh_email):
        self._invite(acme, fresh_email)
        drain()
        path = "/invitations/" + token_in(mails(fresh_email)[0])
        with acme.ctx() as ctx:
            user = ctx.db.scalars(select(UserAccount).where(UserAccount.email == fresh_email)).one()
            user.invited_at = ctx.now - timedelta(days=7)
        assert "This invitation is spent" in acme.browser().get(path).text

    def test_sending_again_ends_the_earlier_link(self, acme, mails, drain, fresh_email):
        user_id = self._invite(acme, fresh_email).json["id"]
        drain()
        first = token_in(mails(fresh_email)[0])
        assert acme.api().post(f"/invitations/{user_id}/resend").status_code == 202
        drain()
        second = token_in(mails(fresh_email)[0])
        body = {"password": NEW_PASSWORD, "name": "Ben"}
        assert _post(acme, "/invitations/accept", token=first, **body).status_code == 410
        assert _post(acme, "/invitations/accept", token=second, **body).status_code == 201

    def test_an_invited_person_cannot_sign_in_or_reset(self, acme, mails, drain, fresh_email):
        self._invite(acme, fresh_email)
        drain()
        assert _post(acme, "/signin", email=fresh_email, password=PASSWORD).status_code == 401
        _post(acme, "/password/forgot", email=fresh_email)
        drain()
        assert len(mails(fresh_email)) == 1


class TestOpenWorkspace:
    """Where strangers may open accounts of their own."""

    def _open(self, house):
        with house.ctx() as ctx:
            workspace_settings(ctx).signup_open = True

    def test_a_closed_workspace_says_how_to_get_in(self, acme, fresh_email):
        answer = _post(acme, "/signup", email=fresh_email, password=NEW_PASSWORD)
        assert (answer.status_code, answer.json["code"]) == (403, "auth.signup_closed")

    def test_a_stranger_gets_in_once_the_address_is_proven(self, acme, mails, drain, fresh_email):
        self._open(acme)
        assert _post(acme, "/signup", email=fresh_email, password=NEW_PASSWORD).status_code == 202
        early = _post(acme, "/signin", email=fresh_email, password=NEW_PASSWORD)
        assert (early.status_code, early.json["code"]) == (403, "auth.email_unverified")
        drain()
        token = token_in(mails(fresh_email)[0])
        assert _post(acme, "/verify-email", token=token).status_code == 204
        assert acme.api(fresh_email, NEW_PASSWORD).get("/users/me").json["role"] == "viewer"

    def test_a_known_address_gets_the_same_answer_and_another_mail(self, acme, mails, drain, fresh_email):
        self._open(acme)
        add_person(acme, fresh_email)
        known = _post(acme, "/signup", email=fresh_email, password=NEW_PASSWORD)
        unknown = _post(acme, "/signup", email="x" + fresh_email, password=NEW_PASSWORD)
        assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
        drain()
        assert mails(fresh_email)[0]["subject"] == "You have an account at Acme already"
        assert _post(acme, "/signin", email=fresh_email, password=PASSWORD).status_code == 200


def test_finding_ones_workspaces_is_answered_by_mail_alone(app, acme, globex, mails, drain, fresh_email):
    for house in (acme, globex):
        with house.ctx() as ctx:
            user = ctx.db.scalars(select(UserAccount)).one()
            user.email = user.email_norm = fresh_email
            list_in_directory(ctx, user.id)
    drain()
    client = app.test_client()
    known = client.post(f"{API}/find-workspaces", json={"email": fresh_email})
    unknown = client.post(f"{API}/find-workspaces", json={"email": "x" + fresh_email})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    drain()
    (mail,) = mails(fresh_email)
    assert acme.tenant.slug in mail["text"]
    assert globex.tenant.slug in mail["text"]
    assert mails("x" + fresh_email) == []
    page = client.get("/find")
    sent = client.post("/find", data={"email": fresh_email, "csrf_token": csrf_of(page.text)})
    assert "Look in your mail" in sent.text


def test_sessions_of_a_person_who_leaves_the_directory_stay_out_of_the_mail(app, acme, mails, drain, fresh_email):
    confirm_owner(acme)
    bob = add_person(acme, fresh_email)
    with acme.ctx() as ctx:
        list_in_directory(ctx, bob)
    drain()
    assert acme.api().patch(f"/users/{bob}", json={"status": "suspended"}).status_code == 200
    drain()
    app.test_client().post(f"{API}/find-workspaces", json={"email": fresh_email})
    drain()
    assert mails(fresh_email) == []
    with acme.ctx() as ctx:
        live = select(LoginSession).where(LoginSession.user_id == bob, LoginSession.revoked_at.is_(None))
        assert ctx.db.scalars(live).all() == []
