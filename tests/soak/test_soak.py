"""No read of a hundred thousand shows another tenant's row, whatever happens to its connection (DB-23).

`SOAK_CHECKS` sets how many, `SOAK_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from tenants.databases import Databases
from tests.soak import builds
from tests.soak.estate import Holder, estate
from tests.soak.pooler import pooler
from tests.soak.soak import Outcome, soak

CHECKS = int(os.environ.get("SOAK_CHECKS", "100000"))
SEED = int(os.environ.get("SOAK_SEED", str(random.SystemRandom().randrange(10**9))))
CONNECTIONS = 3
# From so many checks on, everything that can go wrong has.
ENOUGH = 15_000
ROUGH = {"throws", "commits_between", "fails", "times_out", "is_cancelled", "is_killed", "disconnects",
         "leaves_half_read", "leaves_work_open", "returns_dirty"}  # fmt: skip
# A reader that goes away in the middle of a stream leaves a cursor; that is one of the things that are tried.
LEFT_OPEN = pytest.mark.filterwarnings("ignore:.*Cursor.* was deleted while still open:ResourceWarning")


@pytest.fixture(scope="module")
def holders(superuser_url: str, settings: Any) -> Iterator[Sequence[Holder]]:
    """Return fifty tenants: in two pools and in schemas of their own."""
    with estate(superuser_url, settings.database_admin_url, settings.database_url) as made:
        yield made


def _engine(url: str, size: int = CONNECTIONS) -> Any:
    return Databases({"main": url}, pool_size=size).engine()


def _went_as_planned(outcome: Outcome, record: Any) -> None:
    record("soak", str(outcome))
    print(outcome)
    assert outcome.mismatches == [], str(outcome)
    if outcome.checks > ENOUGH:
        assert set(outcome.visits) == {"calm", *ROUGH}
    assert outcome.errors["OperationalError"] > 0, "nothing was interrupted, so nothing is proven"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@LEFT_OPEN
def test_every_read_shows_the_tenants_own_row_whatever_happens(
    settings: Any, superuser_url: str, holders: Sequence[Holder], record_property: Any
) -> None:
    engine = _engine(settings.database_url)
    outcome = soak(engine, holders, checks=CHECKS, seed=SEED, superuser_url=superuser_url)
    engine.dispose()
    assert outcome.checks >= CHECKS
    _went_as_planned(outcome, record_property)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@LEFT_OPEN
def test_the_same_is_true_behind_a_pooler_in_transaction_mode(
    settings: Any, superuser_url: str, holders: Sequence[Holder], record_property: Any
) -> None:
    with pooler(settings.database_url, size=CONNECTIONS) as between:
        engine = _engine(between.url, size=8)
        outcome = soak(engine, holders, checks=CHECKS // 5, seed=SEED, superuser_url=superuser_url)
        engine.dispose()
    _went_as_planned(outcome, record_property)
    assert between.hand_overs > outcome.checks / 50


def test_the_soak_finds_a_build_that_sets_the_tenant_once_for_each_connection(
    settings: Any, holders: Sequence[Holder]
) -> None:
    engine = builds.bound_once(settings.database_url, size=CONNECTIONS)
    outcome = soak(engine, holders, checks=1000, seed=SEED)
    engine.dispose()
    assert outcome.mismatches != []


def test_settings_of_a_session_look_right_on_ones_own_connections_and_leak_behind_the_pooler(
    settings: Any, holders: Sequence[Holder]
) -> None:
    engine = builds.session_level(settings.database_url, size=CONNECTIONS)
    assert soak(engine, holders, checks=1000, seed=SEED).mismatches == []
    engine.dispose()
    with pooler(settings.database_url, size=CONNECTIONS) as between:
        engine = builds.session_level(between.url, size=8)
        outcome = soak(engine, holders, checks=1000, seed=SEED)
        engine.dispose()
    assert outcome.mismatches != []


def test_the_pooler_hands_a_connection_on_with_what_its_last_client_set(settings: Any) -> None:
    """Two clients on one server connection, so that what happens is certain: the trap that the soak is about."""
    with (
        pooler(settings.database_url, size=1) as between,
        psycopg.connect(between.url, autocommit=True) as one,
        psycopg.connect(between.url, autocommit=True) as two,
    ):
        one.execute("SET app.tenant_id = 'one'")
        two.execute("SET app.tenant_id = 'two'")
        assert one.execute("SHOW app.tenant_id").fetchone() == ("two",)
        one.execute("BEGIN; SET LOCAL app.tenant_id = 'one'; COMMIT")
        assert two.execute("SHOW app.tenant_id").fetchone() == ("two",)


def test_the_pooler_ends_a_transaction_whose_client_went_away(settings: Any) -> None:
    with pooler(settings.database_url, size=1) as between:
        one = psycopg.connect(between.url, autocommit=True)
        one.execute("BEGIN")
        before = one.execute("SELECT pg_backend_pid()").fetchone()
        one.close()
        with psycopg.connect(between.url, autocommit=True) as two:
            assert two.execute("SELECT pg_backend_pid()").fetchone() != before
