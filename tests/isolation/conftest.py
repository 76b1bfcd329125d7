"""The planted walls for the database's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.isolation.matrix import Matrix
from tests.isolation.street import Street, build_street, tear_down
from tests.isolation.walls import Walls, planted_walls


@pytest.fixture(scope="module")
def walls(superuser_url: str, settings: Any) -> Iterator[Walls]:
    """Return four planted tenants: A and B in one pool, C and D in schemas of their own."""
    with planted_walls(superuser_url, settings.database_admin_url) as made:
        yield made


@pytest.fixture(scope="session")
def street(settings: Any, worker_runtime: Any, superuser_url: str) -> Iterator[Street]:
    """Return five tenants with people and things, in an application of their own whose rates never end."""
    made = build_street(settings, worker_runtime, superuser_url)
    yield made
    tear_down(made.world)


@pytest.fixture(scope="session")
def matrix(street: Street) -> Iterator[Matrix]:
    """Return the matrix over the street."""
    made = Matrix(street)
    yield made
    made.close()
