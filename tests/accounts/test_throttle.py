"""Guessing is slowed down, and nobody is kept out for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts import throttle
from app.accounts.errors import TriedTooOften
from app.accounts.models import Throttle
from app.accounts.throttle import ProcessLimit, Try
from app.factory import build_runtime, create_app
from tests.accounts.conftest import NEW_PASSWORD, sign_in, submit, token_in
from tests.world import PASSWORD, client_at


def _guess(house, times, email=None):
    client = house.browser()
    body = {"email": email or house.owner_email, "password": "a wrong guess at it"}
    return [client.post("/api/v1/auth/signin", json=body) for _ in range(times)]


def test_after_a_few_wrong_guesses_one_must_wait_and_is_told_how_long(acme):
    answers = _guess(acme, 8)
    assert [a.status_code for a in answers] == [401] * 6 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 5
    assert answers[-1].json["code"] == "auth.throttled"


def test_an_unknown_address_is_slowed_down_just_the_same(acme):
    assert [a.status_code for a in _guess(acme, 8, "nobody@acme.example")] == [401] * 6 + [429] * 2


def test_at_most_a_hundred_guesses_a_day_at_one_account(acme):
    one, made = Try(throttle.ACCOUNT, "victim@acme.example"), 0
    with acme.ctx() as ctx:
        now, end = ctx.now, ctx.now + timedelta(days=1)
        while now < end:
            wait = throttle.charge(replace(ctx, now=now), [one])
            made += not wait
            now += timedelta(seconds=max(wait, 1))
    assert 20 < made <= 100


def test_a_right_password_clears_the_account(acme):
    _guess(acme, 4)
    acme.api()
    assert [a.status_code for a in _guess(acme, 6)] == [401] * 6


def test_the_owners_own_browser_gets_in_while_the_account_is_attacked(acme):
    browser = sign_in(acme)
    browser.delete_cookie("terrace_session", domain=acme.host)
    _guess(acme, 8)
    assert (
        acme.browser().post("/api/v1/auth/signin", json={"email": acme.owner_email, "password": PASSWORD}).status_code
        == 429
    )
    answer = submit(browser, "/signin", {"email": acme.owner_email, "password": PASSWORD})
    assert answer.status_code == 303


def test_a_mailed_link_ends_the_wait(acme, mails, drain):
    _guess(acme, 8)
    client = acme.browser()
    client.post("/api/v1/auth/password/forgot", json={"email": acme.owner_email})
    drain()
    token = token_in(mails(acme.owner_email)[0])
    body = {"token": token, "password": NEW_PASSWORD}
    assert client.post("/api/v1/auth/password/reset", json=body).status_code == 204
    assert acme.api(password=NEW_PASSWORD).get("/users/me").status_code == 200


def test_an_invented_device_cookie_is_of_no_use(acme):
    _guess(acme, 8)
    browser = acme.browser()
    browser.set_cookie("terrace_device", "0" * 64, domain=acme.host)
    assert submit(browser, "/signin", {"email": acme.owner_email, "password": PASSWORD}).status_code == 429


def test_one_tenants_counters_are_not_anothers(acme, globex):
    _guess(acme, 8)
    assert globex.api().get("/users/me").status_code == 200


def test_the_counters_name_nobody(acme):
    _guess(acme, 1)
    with acme.ctx() as ctx:
        scopes = ctx.db.scalars(select(Throttle.scope)).all()
    assert scopes
    assert not [scope for scope in scopes if "alice" in scope or "127.0" in scope]


def test_links_are_not_mailed_without_end(acme):
    client, body = acme.browser(), {"email": "someone@acme.example"}
    answers = [client.post("/api/v1/auth/password/forgot", json=body).status_code for _ in range(6)]
    assert answers == [202] * 4 + [429] * 2


def test_with_redis_away_guesses_and_mails_are_counted_just_the_same(acme, settings):
    away = build_runtime(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    client = client_at(create_app(runtime=away), acme.host)
    try:
        guess, forgot = {"email": acme.owner_email, "password": "a wrong guess"}, {"email": "someone@acme.example"}
        guesses = [client.post("/api/v1/auth/signin", json=guess).status_code for _ in range(8)]
        mails = [client.post("/api/v1/auth/password/forgot", json=forgot).status_code for _ in range(6)]
        assert guesses == [401] * 6 + [429] * 2
        assert mails == [202] * 4 + [429] * 2
        # The counters are the rows that every process sees.
        assert _guess(acme, 1)[0].status_code == 429
    finally:
        away.databases.dispose()


@pytest.mark.parametrize(
    ("ip", "prefix"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::1", "2001:db8:1::/56"), ("nonsense", "unknown")],
)
def test_addresses_count_by_their_network(ip, prefix):
    assert throttle.prefix_of(ip) == prefix


def test_the_limit_of_a_process_lets_a_burst_through_and_then_refuses():
    limit = ProcessLimit(5, 60.0)
    for _ in range(5):
        limit.demand("a")
    with pytest.raises(TriedTooOften):
        limit.demand("a")
    limit.demand("b")
