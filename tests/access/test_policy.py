"""The five roles, each holding what the ones below hold."""

from __future__ import annotations

import itertools

import pytest

from app.access.policy import ROLES, grantable, may_grant, may_manage, permissions_of

LOWEST = {"read": "viewer", "write": "contributor", "approve": "approver", "people": "admin", "plan": "owner"}


def test_each_role_holds_what_the_ones_below_hold():
    held = [permissions_of(role, LOWEST) for role in ROLES]
    assert [len(rights) for rights in held] == [1, 2, 3, 4, 5]
    assert all(low < high for low, high in itertools.pairwise(held))


@pytest.mark.parametrize("role", ["", "emperor", "OWNER"])
def test_an_unknown_role_holds_nothing(role):
    assert permissions_of(role, LOWEST) == frozenset()


def test_a_permission_of_an_unknown_role_is_the_owners_alone():
    table = {"odd": "emperor"}
    assert permissions_of("owner", table) == {"odd"}
    assert permissions_of("admin", table) == frozenset()


@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_nobody_grants_or_manages_above_themselves(own, other):
    allowed = ROLES.index(own) >= ROLES.index(other)
    assert may_grant(own, other) is allowed
    assert may_manage(own, other) is allowed
    assert (other in grantable(own)) is allowed


def test_nobody_grants_a_role_that_is_none():
    assert not may_grant("owner", "emperor")


def test_every_permission_of_the_modules_belongs_to_a_known_role(runtime):
    assert set(runtime.permissions.values()) <= set(ROLES)
