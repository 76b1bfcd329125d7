"""The linter finds each unsafe statement, and lets safe ones pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenants.history import CONTROL_HISTORY, TENANT_HISTORY
from tenants.revision_lint import RULES, lint
from tests.tenants.migration.revisions import COLUMN, EXPAND, extended

SAFE = (
    "ALTER TABLE product ADD COLUMN weight bigint",
    "ALTER TABLE product ADD COLUMN note text DEFAULT 'it''s' NOT NULL",
    "ALTER TABLE product ADD COLUMN weight bigint DEFAULT 0 NOT NULL",
    "ALTER TABLE product ADD COLUMN share numeric(10, 2) DEFAULT '0'::numeric",
    "ALTER TABLE product ADD CONSTRAINT ck_product_weight CHECK (weight IN (1, 2)) NOT VALID",
    "ALTER TABLE product VALIDATE CONSTRAINT ck_product_status",
    "ALTER TABLE product ADD CONSTRAINT uq_product_x UNIQUE USING INDEX ix_product_x",
    "COMMENT ON TABLE product IS 'what is sold'",
    "GRANT SELECT ON product TO terrace_schema_role",
)
UNSAFE = {
    "nothing is renamed": ("ALTER TABLE product RENAME TO goods", "ALTER TABLE product RENAME COLUMN name TO title"),
    "dropping waits": ("ALTER TABLE product DROP COLUMN name", "DROP TABLE product", "DROP INDEX ix_product_recent"),
    "nullable or has a default": ("ALTER TABLE product ADD COLUMN weight bigint NOT NULL",),
    "default of a new column is a literal": (
        "ALTER TABLE product ADD COLUMN at timestamptz DEFAULT now() NOT NULL",
        "ALTER TABLE product ADD COLUMN code uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE product ADD COLUMN n bigint DEFAULT nextval('s')",
    ),
    "generated or identity": (
        "ALTER TABLE product ADD COLUMN n bigint GENERATED ALWAYS AS (price_minor * 2) STORED",
        "ALTER TABLE product ADD COLUMN n BIGSERIAL",
    ),
    "type is not changed": ("ALTER TABLE product ALTER COLUMN name TYPE varchar(10)",),
    "SET NOT NULL reads": ("ALTER TABLE product ALTER COLUMN inventory SET NOT NULL",),
    "declared by concurrently()": (
        "CREATE INDEX ix_product_x ON product (tenant_id, name)",
        "CREATE UNIQUE INDEX uq_product_x ON product (tenant_id, name)",
    ),
    "added NOT VALID": (
        "ALTER TABLE product ADD CONSTRAINT ck_x CHECK (price_minor > 0)",
        "ALTER TABLE product ADD FOREIGN KEY (tenant_id, created_by) REFERENCES user_account (tenant_id, id)",
    ),
    "takes an index built by": (
        "ALTER TABLE product ADD CONSTRAINT uq_x UNIQUE (tenant_id, name)",
        "ALTER TABLE product ADD PRIMARY KEY (tenant_id, name)",
    ),
    "reference inline": ("ALTER TABLE product ADD COLUMN boss uuid REFERENCES user_account (id)",),
    "rows are changed by batches()": (
        "UPDATE product SET name = ''",
        "DELETE FROM product",
        "INSERT INTO product SELECT * FROM product",
        "MERGE INTO product USING product p ON false WHEN MATCHED THEN DELETE",
    ),
    "never emptied, locked": ("TRUNCATE product", "LOCK TABLE product", "CLUSTER product", "REINDEX TABLE product"),
    "grants are given table by table": ("GRANT SELECT ON ALL TABLES IN SCHEMA pool_01 TO terrace_schema_role",),
    "hidden in a block": (
        "DO $$ BEGIN EXECUTE 'ALTER TABLE product DROP COLUMN name'; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    "settings and transactions": ("SET LOCAL lock_timeout = 0", "COMMIT"),
    "refers out of its schema": (
        "ALTER TABLE product ADD CONSTRAINT fk FOREIGN KEY (tenant_id) REFERENCES control.tenant (id) NOT VALID",
    ),
    "CONCURRENTLY has no place": ("CREATE INDEX CONCURRENTLY ix_x ON product (tenant_id)",),
    "walls are never lowered": (
        "ALTER TABLE product DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE product NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON product",
    ),
    "no view, rule, trigger": ("CREATE VIEW goods AS SELECT 1", "CREATE TRIGGER t BEFORE INSERT ON product"),
    "one sub-command": ("ALTER TABLE product ADD COLUMN a bigint, ADD COLUMN b numeric(3, 2)",),
    "both walls": ("CREATE TABLE shelf (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id))",),
}


def body(*statements: str) -> str:
    """Return a revision that executes `statements`."""
    lines = "".join(f"    op.execute({statement!r})\n" for statement in statements)
    return f"\n\ndef upgrade():\n{lines}"


def test_the_real_histories_are_without_fault() -> None:
    assert lint(TENANT_HISTORY) == []
    assert lint(CONTROL_HISTORY, walled=False) == []


def test_revisions_that_only_add_pass(tmp_path: Path) -> None:
    assert lint(extended(tmp_path, COLUMN, EXPAND, body(*SAFE))) == []


@pytest.mark.parametrize(("rule", "statement"), [(rule, each) for rule, found in UNSAFE.items() for each in found])
def test_an_unsafe_statement_is_found(tmp_path: Path, rule: str, statement: str) -> None:
    faults = lint(extended(tmp_path, body(statement)))
    assert rule in " | ".join(fault.rule for fault in faults)
    assert {fault.revision for fault in faults} == {"9001"}


def test_every_rule_has_a_planted_violation() -> None:
    assert [rule.text for rule in RULES if not any(part in rule.text for part in UNSAFE)] == []


def test_a_contracting_revision_may_drop_but_not_rename(tmp_path: Path) -> None:
    head = '\n\nphase = "contract"\n'
    drops = body(
        "ALTER TABLE product DROP COLUMN archived_from", "ALTER TABLE product ALTER COLUMN status SET NOT NULL"
    )
    assert lint(extended(tmp_path / "drop", head + drops)) == []
    assert lint(extended(tmp_path / "rename", head + body("ALTER TABLE product RENAME TO goods")))


def test_a_constraint_is_validated_by_a_later_revision(tmp_path: Path) -> None:
    add = "ALTER TABLE product ADD CONSTRAINT ck_x CHECK (price_minor > 0) NOT VALID"
    validate = "ALTER TABLE product VALIDATE CONSTRAINT ck_x"
    assert lint(extended(tmp_path / "two", body(add), body(validate))) == []
    (fault,) = lint(extended(tmp_path / "one", body(add, validate)))
    assert "validated by a later revision" in fault.rule


def test_declared_work_is_checked_as_well(tmp_path: Path) -> None:
    declared = body("COMMENT ON TABLE product IS ''") + (
        "\n\ndef concurrently():\n    return [ConcurrentIndex('ix_name', 'product', ('name',))]\n"
        "\n\ndef batches():\n    return [Batch('date', 'product', 'updated_at = now()')]\n"
    )
    assert [fault.statement for fault in lint(extended(tmp_path, declared))] == ["ix_name", "date"]
