"""What tests of the import doors share."""

from __future__ import annotations

import pytest

from tests.web.conftest import live
from tests.world import Api, House, World

__all__ = ["live"]


@pytest.fixture(scope="module")
def module_house(world: World) -> House:
    """Return a tenant for tests that leave nothing behind."""
    return world.tenant("hooli", owner="gavin")


@pytest.fixture(scope="module")
def acme_api(module_house: House) -> Api:
    """Return a signed-in client for tests of refusals."""
    return module_house.api()
