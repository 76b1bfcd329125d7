"""One tenant of the largest tier behind an application whose rates never end, for the fuzzer to work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.isolation.neighbours import Neighbour
from tests.isolation.street import build_house, tear_down


@pytest.fixture(scope="session")
def fuzzed(settings: Any, worker_runtime: Any) -> Iterator[tuple[Flask, Neighbour]]:
    """Return the application and the tenant, with people and things in it."""
    app, home = build_house(settings, worker_runtime, "F")
    yield app, home
    tear_down(home.world)


@pytest.fixture
def forget_tries(fuzzed: tuple[Flask, Neighbour], superuser_url: str) -> Any:
    """Return a function that empties the counters which slow guessing down."""
    home = fuzzed[1]

    def forget() -> None:
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            statement = f'DELETE FROM "{home.tenant.schema}".throttle WHERE tenant_id = %s'
            connection.execute(statement.encode(), (home.tenant.id,))

    return forget
