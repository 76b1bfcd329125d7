"""A database that hangs is noticed, and who waits for it is let go; one that is only slow is left in peace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.kit.errors import Unavailable
from tenants.databases import Databases
from tenants.lookout import SUSPICIOUS, Lookout
from tenants.sessions import ControlSession
from tests.chaos.proxy import Proxy, Weather


@pytest.fixture
def road(settings: Any) -> Iterator[Proxy]:
    """Return a proxy in front of the database."""
    parts = urlsplit(settings.database_url)
    with Proxy((parts.hostname or "", parts.port or 0)) as proxy:
        yield proxy


@pytest.fixture
def engine(settings: Any, road: Proxy) -> Iterator[Engine]:
    """Return an engine whose connections go through the proxy."""
    parts = urlsplit(settings.database_url)
    before = parts.netloc.rpartition("@")[0]
    url = urlunsplit(parts._replace(netloc=f"{before}@127.0.0.1:{road.port}"))
    databases = Databases({"main": url}, pool_size=2)
    yield databases.engine()
    databases.dispose()


def test_who_waits_for_a_hanging_server_is_let_go_and_the_next_is_refused_at_once(engine: Engine, road: Proxy) -> None:
    lookout = Lookout(engine)
    lookout.start()
    with ControlSession(engine) as session:
        session.execute(text("SELECT 1"))
        with road.bad(Weather(mute=True)):
            began = time.monotonic()
            with pytest.raises(OperationalError) as caught:
                session.execute(text("SELECT 1"))
            assert time.monotonic() - began < 2.0
            assert caught.value.connection_invalidated
            with pytest.raises(Unavailable):
                lookout.require()
    ends = time.monotonic() + 5
    while lookout.hangs:
        assert time.monotonic() < ends
        time.sleep(0.02)
    with ControlSession(engine) as session:
        assert session.execute(text("SELECT 2")).scalar_one() == 2


def test_a_long_transaction_of_a_server_that_answers_is_left_in_peace(engine: Engine) -> None:
    lookout = Lookout(engine)
    lookout.start()
    with ControlSession(engine) as session:
        session.execute(text("SELECT 1"))
        time.sleep(SUSPICIOUS * 2)
        assert session.execute(text("SELECT 3")).scalar_one() == 3
    assert not lookout.hangs


def test_a_new_connection_to_a_hanging_server_does_not_wait_for_the_driver(engine: Engine, road: Proxy) -> None:
    lookout = Lookout(engine)
    with road.bad(Weather(mute=True)):
        began = time.monotonic()
        with pytest.raises(OperationalError), ControlSession(engine) as session:
            session.execute(text("SELECT 1"))
        assert time.monotonic() - began < 1.0
    assert lookout.hangs
