"""The installation that these tests break. `make chaos` sets CHAOS and runs all; otherwise only a few are run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chaos.site import Site
from tests.chaos.town import Town
from tests.chaos.victims import Victims

FULL = bool(os.environ.get("CHAOS"))
collect_ignore_glob = [] if FULL else ["test_faults_*.py", "test_rolling.py"]


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Return an installation of real processes."""
    with Site() as made:
        yield made


@pytest.fixture
def town(site: Site) -> Town:
    """Return fresh tenants of both kinds."""
    return Town(site).settle()


@pytest.fixture
def victims(site: Site) -> Victims:
    """Return who can be killed."""
    return Victims(site)
