"""The habits that keep a distributed engine possible: queries here, the DDL of the tenant history below."""

from __future__ import annotations

import pytest

from tests.isolation.distribution import rules_broken

TABLES = {"product", "sales_order"}
KEPT = [
    "INSERT INTO product (tenant_id, id) VALUES ('a', 'b'), ('a', 'c')",
    "INSERT INTO product (tenant_id, n) VALUES (%(t)s::UUID, 1) ON CONFLICT (tenant_id) DO UPDATE SET n = excluded.n",
    "INSERT INTO product (tenant_id, n) VALUES (%(t)s, 1) ON CONFLICT (tenant_id) DO UPDATE SET n = product.n + %(c)s",
    "UPDATE product SET n = coalesce(n, 0) + 1, at = %(now)s::TIMESTAMP WITH TIME ZONE WHERE tenant_id = %(t)s",
    "INSERT INTO scratch SELECT * FROM product WHERE tenant_id = %(t)s",
    "SELECT now(), id FROM product WHERE tenant_id = %(t)s",
    "COPY (SELECT id FROM product WHERE tenant_id = 'a') TO STDOUT (FORMAT csv, HEADER)",
    'UPDATE product SET name_norm = %(n)s::VARCHAR COLLATE "C" WHERE tenant_id = %(t)s',
    "SAVEPOINT sa_savepoint_1",
]
BROKEN = [
    "INSERT INTO product (tenant_id, id) SELECT tenant_id, id FROM sales_order WHERE tenant_id = %(t)s",
    "INSERT INTO product (tenant_id, at) VALUES (%(t)s, 'x') ON CONFLICT (tenant_id) DO UPDATE SET at = now()",
    "UPDATE product SET at = now() WHERE tenant_id = %(t)s",
    "UPDATE product SET id = gen_random_uuid() WHERE tenant_id = %(t)s",
    "MERGE INTO product p USING sales_order o ON p.id = o.id WHEN MATCHED THEN DELETE",
    "COPY product TO STDOUT",
]


@pytest.mark.parametrize("statement", KEPT)
def test_a_statement_that_any_engine_takes_passes(statement: str) -> None:
    assert rules_broken(statement, TABLES) == []


@pytest.mark.parametrize("statement", BROKEN)
def test_a_statement_that_a_distributed_engine_refuses_is_found(statement: str) -> None:
    assert rules_broken(statement, TABLES) != []
