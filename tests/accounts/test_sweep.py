"""What is over is removed, and nothing that still matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.accounts import links, sweep
from app.accounts.models import AuthToken, LoginSession, OneTimeToken, Throttle, UserAccount
from app.accounts.sessions import FAMILY_LASTS
from app.accounts.tokens import GRACE, LIFETIME
from tests.accounts.conftest import sign_in


def _count(house, table):
    with house.ctx() as ctx:
        return len(ctx.db.scalars(select(table)).all())


def _sweep(house, later):
    with house.ctx() as ctx:
        sweep.sweep(replace(ctx, now=ctx.now + later))


def test_a_revoked_session_stays_revoked_while_an_access_token_may_name_it(acme):
    api = acme.api()
    api.post("/auth/signout")
    _sweep(acme, LIFETIME + GRACE - timedelta(seconds=60))
    assert _count(acme, LoginSession) == 1
    assert api.get("/users/me").status_code == 401
    _sweep(acme, LIFETIME + GRACE + timedelta(seconds=60))
    assert (_count(acme, LoginSession), _count(acme, AuthToken)) == (0, 0)
    assert api.get("/users/me").status_code == 401


def test_live_sessions_stay_and_expired_ones_go(acme):
    acme.api()
    sign_in(acme)
    _sweep(acme, timedelta(hours=11))
    assert _count(acme, LoginSession) == 2
    _sweep(acme, timedelta(hours=13))
    assert _count(acme, LoginSession) == 1
    _sweep(acme, FAMILY_LASTS + timedelta(hours=1))
    assert _count(acme, LoginSession) == 0


def test_refresh_tokens_that_nobody_used_expire(acme):
    acme.api()
    _sweep(acme, timedelta(days=15))
    with acme.ctx() as ctx:
        assert ctx.db.scalars(select(AuthToken.state)).all() == ["expired"]


def test_old_links_and_counters_go(acme):
    acme.api()
    with acme.ctx() as ctx:
        user = ctx.db.scalars(select(UserAccount)).one()
        for purpose in ("verify", "reset", "invite"):
            links.issue(ctx, user_id=user.id, purpose=purpose)
    _sweep(acme, timedelta(hours=2))
    with acme.ctx() as ctx:
        assert ctx.db.scalars(select(OneTimeToken.purpose)).all() == ["invite"]
    assert _count(acme, Throttle)
    _sweep(acme, timedelta(days=9))
    assert (_count(acme, OneTimeToken), _count(acme, Throttle)) == (0, 0)
