"""Names under which things are kept outside tables: no two tenants, and no two things, ever share one (ISO-04)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files.keys import new_key
from app.kit.idempotency import Slot
from app.kit.jobs.envelope import Envelope, ForgedEnvelope, Sealer
from app.kit.keys import platform_key, tenant_key
from app.kit.paging import Cursor, ListKey, encode
from tests.isolation.street import Street

PARTS = st.lists(st.one_of(st.text(max_size=12), st.integers()), min_size=1, max_size=3)


@given(one=st.uuids(), two=st.uuids(), parts=PARTS, others=PARTS)
def test_keys_in_redis(one: uuid.UUID, two: uuid.UUID, parts: list[Any], others: list[Any]) -> None:
    same = one == two and [str(p) for p in parts] == [str(p) for p in others]
    assert (tenant_key(one, *parts) == tenant_key(two, *others)) == same
    assert (tenant_key(one, *parts) == tenant_key(two, *parts)) == (one == two)
    assert tenant_key(one, *parts) != platform_key(*others)


@given(one=st.uuids(), two=st.uuids())
def test_objects(one: uuid.UUID, two: uuid.UUID) -> None:
    assert str(one) in new_key(one, "export").split("/")
    assert new_key(one, "export").rsplit("/", 1)[0] != new_key(two, "export").rsplit("/", 1)[0] or one == two


@given(one=st.uuids(), two=st.uuids(), scope=st.text(max_size=10))
def test_cursors(one: uuid.UUID, two: uuid.UUID, scope: str) -> None:
    at = Cursor("x", uuid.UUID(int=1))
    same = encode(ListKey("secret", one, scope), at) == encode(ListKey("secret", two, scope), at)
    assert same == (one == two)


@given(st.lists(st.text(max_size=6), min_size=6, max_size=6))
def test_scopes_of_idempotency_keys(parts: list[str]) -> None:
    tenant = uuid.UUID(int=1)
    one, two = (Slot(tenant, a, b, c, "f") for a, b, c in (parts[:3], parts[3:]))
    assert (one.scope == two.scope) == (parts[:3] == parts[3:])


@given(one=st.uuids(), two=st.uuids(), job=st.uuids())
def test_bells(one: uuid.UUID, two: uuid.UUID, job: uuid.UUID) -> None:
    sealer = Sealer("secret")
    sealed = {**sealer.seal(Envelope(one, job)), "tenant": str(two)}
    if one == two:
        assert sealer.open(sealed) == Envelope(one, job)
    else:
        with pytest.raises(ForgedEnvelope):
            sealer.open(sealed)


def test_hosts(street: Street) -> None:
    """Every spelling of every tenant's name finds that tenant, and what is remembered of one is never another's."""
    resolver = street.world.runtime.resolver
    for _ in range(2):
        for neighbour in street.neighbours.values():
            tenant = neighbour.tenant
            found = (resolver.by_host(neighbour.host), resolver.by_id(tenant.id), resolver.by_slug(tenant.slug))
            assert {one.id for one in found} == {tenant.id}
            assert {(one.schema, one.role) for one in found} == {(tenant.schema, tenant.role)}
