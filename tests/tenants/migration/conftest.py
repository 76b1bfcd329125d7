"""A fleet for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tenants.migration.fleet import Fleet, new_fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Return a database with two pools and four dedicated schemas."""
    with new_fleet() as made:
        yield made
