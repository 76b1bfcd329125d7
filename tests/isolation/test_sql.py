"""Every statement on a tenant's table says whose rows it means, joins included (design §4, wall 4)."""

from __future__ import annotations

import pytest

from app.exports import service as exports
from app.exports.models import FORMATS, RESOURCES
from app.kit.db import DeskBase, TenantBase
from tests.isolation import recipes
from tests.isolation.calls import NOBODY, Door
from tests.isolation.distribution import rules_broken
from tests.isolation.matrix import Matrix
from tests.isolation.sql import listening, without_tenant
from tests.isolation.things import bring_in_orders

TABLES = {table.name for base in (TenantBase, DeskBase) for table in base.metadata.sorted_tables}
GOOD = [
    "SELECT p.id FROM product p WHERE p.tenant_id = %(t)s::UUID AND p.id = %(id)s",
    "SELECT id FROM product WHERE tenant_id = %(t)s",
    "SELECT 1 FROM product p JOIN order_line l ON l.tenant_id = p.tenant_id WHERE p.tenant_id = %(t)s",
    "SELECT EXISTS (SELECT * FROM product WHERE product.tenant_id = %(t)s) AS x",
    "INSERT INTO product (tenant_id, id) VALUES (%(t)s, %(id)s) ON CONFLICT DO NOTHING",
    "UPDATE product SET name = %(n)s WHERE product.tenant_id = %(t)s AND product.id = %(id)s",
    "WITH product AS (SELECT 1 AS id) SELECT id FROM product",
    "DELETE FROM desk.job WHERE (desk.job.tenant_id, desk.job.id) IN ((%(a)s, %(b)s))",
]
BAD = [
    "SELECT p.id FROM product p WHERE p.id = %(id)s",
    "SELECT id FROM product WHERE tenant_id = %(t)s OR true",
    "SELECT 1 FROM product p JOIN order_line l ON l.product_id = p.id WHERE p.tenant_id = %(t)s",
    "SELECT 1 FROM product p JOIN order_line l ON l.tenant_id = p.tenant_id AND l.product_id = p.id",
    "SELECT EXISTS (SELECT * FROM product) AS x",
    "INSERT INTO product (id) VALUES (%(id)s)",
    "UPDATE product SET name = %(n)s WHERE product.id = %(id)s",
    "DELETE FROM product",
    "SELECT id FROM sales_order o WHERE o.tenant_id = %(t)s AND EXISTS (SELECT 1 FROM order_line l WHERE l.id = o.id)",
    "SELECT id FROM product WHERE tenant_id <> %(t)s",
]


@pytest.mark.parametrize("statement", GOOD)
def test_a_statement_that_names_the_tenant_passes(statement: str) -> None:
    assert without_tenant(statement, TABLES) == []


@pytest.mark.parametrize("statement", BAD)
def test_a_statement_that_does_not_is_found(statement: str) -> None:
    assert without_tenant(statement, TABLES) != []


def test_every_statement_of_every_route_and_job_names_the_tenant(matrix: Matrix) -> None:
    with listening() as heard:
        for label in ("A", "C"):
            home = matrix.street[label]
            for rule, method, access in matrix.routes():
                if rule.endpoint in recipes.WITHOUT_CONTROL:
                    continue
                matrix.forget_tries(home)
                kind = "bearer" if rule.rule.startswith("/api/") else "cookie"
                door = Door(kind, home.people["owner"]) if access.signed_in else NOBODY
                matrix.control(rule, method, access, home, door)
            for resource in RESOURCES:
                for name in FORMATS:
                    with home.acting() as ctx:
                        exports.start(ctx, resource=resource, format_=name, filters={})
            bring_in_orders(home)
            matrix.street.world.drain()
    findings = {s: names for s in heard if (names := without_tenant(s, TABLES))}
    assert not findings, "\n\n".join(f"{names}: {statement}" for statement, names in sorted(findings.items()))
    assert len(heard) > 100
    habits = {s: broken for s in heard if (broken := rules_broken(s, TABLES))}
    assert not habits, "\n\n".join(f"{broken}: {statement}" for statement, broken in sorted(habits.items()))
