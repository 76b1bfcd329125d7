"""The way to Citus, with a stand-in for its two functions: Citus itself does not run here, what is sent to it does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from tenants.databases import sqlalchemy_url
from tenants.distributed import check_connections
from tenants.errors import TenantIsolationError
from tenants.schemas import create_schema, exists, migrator
from tests.conftest import clone_database, login_urls

# It notes who was handed over; `left` many tables stay behind.
_STAND_IN = """
    SET allow_system_table_mods = on;
    CREATE TABLE pg_catalog.handed (name regnamespace, at_depth int);
    GRANT ALL ON pg_catalog.handed TO PUBLIC;
    CREATE TABLE pg_catalog.left_behind (count int);
    GRANT SELECT ON pg_catalog.left_behind TO PUBLIC;
    INSERT INTO pg_catalog.left_behind VALUES (0);
    CREATE FUNCTION pg_catalog.citus_schema_distribute(name regnamespace) RETURNS void LANGUAGE sql AS
        'INSERT INTO pg_catalog.handed SELECT $1, count(*)::int FROM pg_catalog.pg_class WHERE relnamespace = $1';
    CREATE VIEW pg_catalog.citus_tables AS
        SELECT c.oid::regclass AS table_name, 'schema'::text AS citus_table_type
        FROM pg_catalog.pg_class c JOIN pg_catalog.handed h ON h.name = c.relnamespace
        WHERE c.relkind = 'r' OFFSET (SELECT count FROM pg_catalog.left_behind);
    GRANT SELECT ON pg_catalog.citus_tables TO PUBLIC;
"""


@pytest.fixture
def citus() -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """Return the migrator's address of a database with the stand-in, and the superuser's connection."""
    url = clone_database(f"spread_{uuid.uuid4().hex[:8]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_STAND_IN)
        yield login_urls(url, conninfo_to_dict(url)["dbname"])["DATABASE_ADMIN_URL"], connection


def test_a_schema_is_handed_over_whole_and_in_the_form_that_is_taken(citus: Any) -> None:
    url, above = citus
    name = f"t_{uuid.uuid4().hex}"
    with migrator(url) as connection:
        create_schema(connection, name, distributed=True)
    assert above.execute("SELECT count(*) FROM pg_catalog.handed WHERE at_depth > 10").fetchone() == (1,)
    conditions = above.execute("SELECT qual FROM pg_policies WHERE schemaname = %s", (name,)).fetchall()
    assert conditions
    assert not [qual for (qual,) in conditions if "SELECT" in qual.upper()]
    assert above.execute("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = %s", (name,)).fetchone() == (
        True, None,
    )  # fmt: skip
    above.execute(f'DROP SCHEMA "{name}" CASCADE')
    above.execute(f'DROP ROLE "{name}"')


def test_a_schema_that_was_handed_over_in_part_is_not_kept(citus: Any) -> None:
    url, above = citus
    above.execute("UPDATE pg_catalog.left_behind SET count = 1")
    name = f"t_{uuid.uuid4().hex}"
    with migrator(url) as connection, pytest.raises(TenantIsolationError, match="tables were distributed"):
        create_schema(connection, name, distributed=True)
    assert not exists(above, name)
    assert above.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", (name,)).fetchone() == (0,)
    assert above.execute("SELECT count(*) FROM control.schema_version WHERE schema_name = %s", (name,)).fetchone() == (
        0,
    )


def test_a_pool_stays_where_it_is(citus: Any) -> None:
    url, above = citus
    with migrator(url) as connection:
        create_schema(connection, "pool_77", distributed=True)
    assert above.execute("SELECT count(*) FROM pg_catalog.handed").fetchone() == (0,)
    above.execute("DROP SCHEMA pool_77 CASCADE")
    above.execute("DROP ROLE pool_77")


@pytest.mark.parametrize(("options", "ok"), [("", False), ("-c citus.propagate_set_commands=none", False),
                                             ("-c citus.propagate_set_commands=local", True)])  # fmt: skip
def test_a_connection_that_would_show_no_rows_is_refused(superuser_url: str, options: str, ok: bool) -> None:
    engine = create_engine(sqlalchemy_url(superuser_url), connect_args={"options": options})
    check_connections(engine)
    try:
        if ok:
            with engine.connect() as connection:
                assert connection.execute(text("SELECT 1")).scalar_one() == 1
        else:
            with pytest.raises((TenantIsolationError, SQLAlchemyError), match="propagate_set_commands"):
                engine.connect()
    finally:
        engine.dispose()
