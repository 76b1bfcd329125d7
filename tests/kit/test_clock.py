"""Comparing two clocks: only what the way there and back cannot explain is a difference."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.kit import clock
from tenants.inspection import DURABLE, durability
from tenants.schemas import migrator

ASKED = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
HEARD = ASKED + timedelta(seconds=4)


@pytest.mark.parametrize(("told", "ahead"), [(-90, 90.0), (0, 0.0), (3, 0.0), (4, 0.0), (94, -90.0)])
def test_what_the_way_may_explain_is_no_difference(told: int, ahead: float) -> None:
    assert clock.skew(ASKED, ASKED + timedelta(seconds=told), HEARD) == ahead


def test_a_difference_is_said_and_not_at_every_look(caplog: Any) -> None:
    now = clock.utcnow()
    with caplog.at_level(logging.ERROR, logger="app.kit.clock"):
        for told in (now + timedelta(seconds=4), now - timedelta(seconds=90), now - timedelta(seconds=91)):
            assert clock.compare(now, told) == told
    assert [record.seconds_ahead for record in caplog.records] == [90.0]


def test_a_server_and_a_login_that_may_forget_are_told_of(settings: Any, superuser_url: str) -> None:
    name = superuser_url.rpartition("/")[2]
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute(f"ALTER ROLE terrace_app IN DATABASE {name} SET synchronous_commit = off")  # type: ignore[arg-type]
        with migrator(settings.database_admin_url) as connection:
            found = {(finding.check, finding.where, finding.what) for finding in durability(connection)}
        superuser.execute(f"ALTER ROLE terrace_app IN DATABASE {name} RESET synchronous_commit")  # type: ignore[arg-type]
    # The servers of the tests are fast, and would forget.
    careless = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_commit of terrace_app")
    assert {(DURABLE, name, "is off") for name in careless} <= found
