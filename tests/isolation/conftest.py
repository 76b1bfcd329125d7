"""The planted walls for the database's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.isolation.walls import Walls, planted_walls


@pytest.fixture(scope="module")
def walls(superuser_url: str, settings: Any) -> Iterator[Walls]:
    """Return four planted tenants: A and B in one pool, C and D in schemas of their own."""
    with planted_walls(superuser_url, settings.database_admin_url) as made:
        yield made
