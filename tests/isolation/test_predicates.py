"""With row security switched off in this database, the predicates of the code alone must keep tenants apart.

Each of the two walls must hold without the other: the rest of this folder would not notice a forgotten predicate, since
the policies hide its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.exports import service as exports
from app.exports.models import RESOURCES
from app.store.products.models import Product
from tenants.errors import TenantIsolationError
from tests.isolation import catalog, recipes, sinks
from tests.isolation.calls import NOBODY, Door, foreign_traces
from tests.isolation.matrix import Matrix
from tests.isolation.street import POOL, Street, superuser


@contextmanager
def _walls_down(street: Street) -> Iterator[None]:
    with superuser(street) as above:
        labels = [table.label for schema in (POOL, "desk") for table in catalog.tables(above, schema)]

        def switch(verb: str) -> None:
            for label in labels:
                above.execute(f"ALTER TABLE {label} {verb} ROW LEVEL SECURITY".encode())

        switch("DISABLE")
        try:
            yield
        finally:
            switch("ENABLE")


@pytest.fixture
def bare(matrix: Matrix) -> Iterator[Matrix]:
    """Return the matrix in a database without row security, after all work is done."""
    matrix.street.world.drain()
    with _walls_down(matrix.street):
        yield matrix


def _names(session: Session) -> list[str]:
    return list(session.scalars(select(Product.name)))


def test_the_walls_are_really_down(bare: Matrix) -> None:
    """Without this the other tests would prove nothing."""
    home = bare.street["A"]
    with home.acting() as ctx:
        rows = ctx.db.connection().exec_driver_sql("SELECT name FROM product").scalars().all()
        assert [name for name in rows if name.startswith("canary-b-")] != []
        assert [name for name in _names(ctx.db) if not name.startswith("canary-a-")] == []


def test_what_is_read_is_the_tenants_own(bare: Matrix) -> None:
    home, seen = bare.street["A"], 0
    for rule, method, access in bare.routes():
        if method != "GET" or rule.endpoint in recipes.WITHOUT_CONTROL:
            continue
        kind = "bearer" if rule.rule.startswith("/api/") else "cookie"
        door = Door(kind, home.people["owner"]) if access.signed_in else NOBODY
        call = bare.call(rule, home, "owner").filled()
        answer = bare.sender.send(rule, method, call, door, bare.host(access, home))
        assert foreign_traces(answer, bare.street, home) == [], rule.rule
        seen += 1
    assert seen > 40


def test_what_is_named_is_looked_for_among_the_tenants_own(bare: Matrix) -> None:
    own, other, findings = bare.street["A"], bare.street["B"], []
    tried = bare.counts["cases"]
    for rule, method, access in bare.routes():
        if rule.rule.startswith("/api/") and rule.arguments:
            findings += bare.probe(rule, method, access, own, other)
    assert not findings, "\n".join(findings)
    assert bare.counts["cases"] > tried + 100


def test_an_export_holds_the_tenants_own_rows(bare: Matrix, settings: Any) -> None:
    home, ids = bare.street["A"], set()
    for resource in RESOURCES:
        with home.acting() as ctx:
            ids.add(str(exports.start(ctx, resource=resource, format_="csv", filters={}).id))
    bare.street.world.drain()
    contents = [text for key, text in sinks.objects(settings) if key.startswith(f"tenant/{home.tenant.id}/export/")]
    assert len(contents) >= len(ids)
    assert [text for text in contents if "canary-b-" in text] == []
    assert [text for text in contents if "canary-a-" in text] != []


def test_a_row_of_another_tenant_cannot_be_added(bare: Matrix) -> None:
    own, other = bare.street["A"], UUID(bare.street["B"].live["tenant_id"])
    row = Product(tenant_id=other, name="x", name_norm="x", sku="x", sku_norm="x", price_minor=1, currency="EUR")
    with own.acting() as ctx:
        ctx.db.add(row)
        with pytest.raises(TenantIsolationError):
            ctx.db.flush()
        ctx.db.rollback()
