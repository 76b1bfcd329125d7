"""Differences from a freshly built schema are found, mended where that is safe, and otherwise said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from tenants.cli import tenants_cli
from tenants.drift import Drift, find_drift, repair
from tenants.history import TENANT_HISTORY
from tests.tenants.migration.fleet import Fleet, new_fleet
from tests.tenants.migration.revisions import COLUMN, extended

# What is done to the schema `{s}`, and the kind and the word by which it is found.
MENDED = {
    'DROP INDEX "{s}".ix_login_session_user': ("index", "missing"),
    'DROP INDEX "{s}".ix_login_session_user; CREATE INDEX ix_login_session_user ON "{s}".login_session (tenant_id)': (
        "index",
        "different",
    ),
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"{s}\".ix_login_session_user'::regclass": (
        "index",
        "different",
    ),
    'REVOKE DELETE ON "{s}".product FROM "{s}"': ("grant", "missing"),
    'REVOKE USAGE ON SCHEMA "{s}" FROM "{s}"': ("schema grant", "missing"),
    'DROP POLICY tenant_wall ON "{s}".product': ("policy", "missing"),
    'ALTER POLICY tenant_rows ON "{s}".product USING (true)': ("policy", "different"),
    'ALTER TABLE "{s}".product NO FORCE ROW LEVEL SECURITY': ("row security", "different"),
    'ALTER TABLE "{s}".product DISABLE ROW LEVEL SECURITY': ("row security", "different"),
    "ALTER TABLE \"{s}\".product ALTER COLUMN name SET DEFAULT 'x'": ("default", "unknown"),
    "COMMENT ON TABLE \"{s}\".product IS 'mine'": ("comment", "unknown"),
    "COMMENT ON COLUMN \"{s}\".product.name IS 'mine'": ("comment", "unknown"),
}
LEFT = {
    'ALTER TABLE "{s}".product ADD COLUMN extra text': ("column", "unknown"),
    'ALTER TABLE "{s}".product DROP COLUMN description': ("column", "missing"),
    'ALTER TABLE "{s}".product ALTER COLUMN name TYPE varchar(90)': ("column", "different"),
    'ALTER TABLE "{s}".product ALTER COLUMN name DROP NOT NULL': ("column", "different"),
    'ALTER TABLE "{s}".product DROP CONSTRAINT ck_product_price': ("constraint", "missing"),
    "ALTER TABLE \"{s}\".product ADD CONSTRAINT ck_more CHECK (name <> '')": ("constraint", "unknown"),
    'ALTER TABLE "{s}".product OWNER TO postgres': ("table", "different"),
    'ALTER SCHEMA "{s}" OWNER TO postgres': ("schema", "different"),
    'CREATE TABLE "{s}".shed (id int)': ("table", "unknown"),
    'DROP TABLE "{s}".order_event': ("table", "missing"),
    'CREATE VIEW "{s}".glance AS SELECT 1': ("view", "unknown"),
    'CREATE INDEX ix_more ON "{s}".product (name)': ("index", "unknown"),
    'CREATE POLICY more ON "{s}".product USING (true)': ("policy", "unknown"),
    'GRANT SELECT ON "{s}".product TO terrace_reader': ("grant", "unknown"),
    'GRANT SELECT (name) ON "{s}".product TO terrace_reader': ("column grant", "unknown"),
    "CREATE FUNCTION \"{s}\".f() RETURNS int LANGUAGE sql AS 'SELECT 1'": ("function", "unknown"),
}


@pytest.fixture(scope="module")
def town() -> Iterator[Fleet]:
    """Return one fleet for all tests of this file; each test has a schema of its own."""
    with new_fleet(0) as made:
        yield made


def drift_of(fleet: Fleet, schema: str) -> list[Drift]:
    """Return what differs in one schema."""
    return list(find_drift(fleet.admin_url, schema=schema))


def test_a_fresh_installation_has_no_drift(town: Fleet) -> None:
    town.add(1)
    assert list(find_drift(town.admin_url)) == []


@pytest.mark.parametrize("change", MENDED)
def test_what_can_be_made_again_is_mended(town: Fleet, change: str) -> None:
    (schema,) = town.add(1)
    town.superuser.execute(change.replace("{s}", schema).encode())
    found = drift_of(town, schema)
    assert MENDED[change] in {(one.kind, one.what) for one in found}
    assert [repair(town.admin_url, one) for one in found] == [""] * len(found)
    assert drift_of(town, schema) == []


@pytest.mark.parametrize("change", LEFT)
def test_what_needs_a_decision_is_found_and_left(town: Fleet, change: str) -> None:
    (schema,) = town.add(1)
    town.superuser.execute(change.replace("{s}", schema).encode())
    found = {(one.kind, one.what): one for one in drift_of(town, schema)}
    one = found[LEFT[change]]
    assert schema in one.label
    assert repair(town.admin_url, one) == "nothing is done by itself about this; look at it"
    assert LEFT[change] in {(one.kind, one.what) for one in drift_of(town, schema)}


def test_a_moved_schema_has_no_drift_and_a_late_one_is_said_to_be_late(town: Fleet, tmp_path: Path) -> None:
    history = extended(tmp_path, COLUMN)
    (schema,) = town.add(1, history=history)
    late = {one.schema: one for one in find_drift(town.admin_url, history=history)}
    assert schema not in late
    assert late["pool_01"].label == f"pool_01  revision {TENANT_HISTORY.head} is different: the head is 9001"
    assert (late["pool_01"].kind, late["pool_01"].remedy) == ("revision", "")


def test_the_command_tells_mends_and_ends_badly_while_something_is_left(
    app: Flask, runtime: Any, superuser_url: str, initech: Any
) -> None:
    def drift(*words: str) -> Any:
        return app.test_cli_runner().invoke(tenants_cli, ["drift", *words])

    schema = initech.tenant.schema
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f'DROP INDEX "{schema}".ix_login_session_user; COMMENT ON TABLE "{schema}".product IS \'x\'')
        connection.execute(f'ALTER TABLE "{schema}".product ADD COLUMN extra text')
        told = drift()
        assert (told.exit_code, "3 differences, 0 mended, 3 left." in told.output) == (1, True)
        assert f"{schema}  index ix_login_session_user is missing" in told.output
        mended = drift("--repair")
        assert (mended.exit_code, "3 differences, 2 mended, 1 left." in mended.output) == (1, True)
        connection.execute(f'ALTER TABLE "{schema}".product DROP COLUMN extra')
        assert drift().output == "No drift.\n"
