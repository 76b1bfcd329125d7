"""Roles × objects × privileges against the declared table (DB-01, DB-09)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.isolation import privileges
from tests.isolation.walls import Walls

_ROLES = "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
_SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1"
_TABLES = """
    SELECT n.nspname::text, c.relname::text, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema)'
"""
_HELD = "SELECT r, p FROM unnest(%s::text[]) r, unnest(%s::text[]) p WHERE has_table_privilege(r, %s::oid, p)"


@pytest.fixture
def admin(superuser_url: str, walls: Walls) -> Iterator[psycopg.Connection[Any]]:
    """Return a superuser's connection to a database that has pools and dedicated schemas."""
    with psycopg.connect(superuser_url) as connection:
        yield connection
        connection.rollback()


def _measured(admin: psycopg.Connection[Any]) -> list[str]:
    """Return every role whose rights are declared; roles of schemas in other databases of the server have none here."""
    return [row[0] for row in admin.execute(_ROLES) if row[0] not in privileges.UNMEASURED]


def test_every_right_on_a_table_is_a_declared_one(admin: psycopg.Connection[Any]) -> None:
    roles, checked = _measured(admin), 0
    for schema, table, oid in admin.execute(_TABLES).fetchall():
        held = {pair[:2] for pair in admin.execute(_HELD, (roles, list(privileges.TABLE_RIGHTS), oid))}
        wanted = {(role, right) for role in roles for right in privileges.table_rights(role, schema, table)}
        assert held == wanted, f"{schema}.{table}"
        checked += len(roles) * len(privileges.TABLE_RIGHTS)
    assert checked > 3000


def test_every_right_on_a_schema_is_a_declared_one(admin: psycopg.Connection[Any]) -> None:
    roles = _measured(admin)
    for (schema,) in admin.execute(_SCHEMAS).fetchall():
        query = "SELECT r FROM unnest(%s::text[]) r WHERE has_schema_privilege(r, %s, %s)"
        using = {row[0] for row in admin.execute(query, (roles, schema, "USAGE"))}
        assert using == {role for role in roles if privileges.schema_usage(role, schema)}, schema
        assert admin.execute(query, (roles, schema, "CREATE")).fetchall() == [], schema


def test_the_public_holds_nothing_anywhere(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
        " aclexplode(c.relacl) a WHERE a.grantee = 0 AND n.nspname !~ '^(pg_|information_schema)'"
        " UNION ALL SELECT nspname::text FROM pg_namespace, aclexplode(nspacl) a"
        " WHERE a.grantee = 0 AND nspname !~ '^(pg_|information_schema)'"
        " UNION ALL SELECT 'database' FROM pg_database, aclexplode(datacl) a"
        " WHERE a.grantee = 0 AND datname = current_database()"
    ).fetchall()
    assert rows == []


def test_nobody_writes_single_columns_beyond_the_tables_grants(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT attrelid::regclass::text, attname::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE attacl IS NOT NULL AND n.nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    assert rows == []


def test_login_roles_get_rights_only_by_stepping_into_a_role(admin: psycopg.Connection[Any]) -> None:
    for login in privileges.LOGINS_WITHOUT_RIGHTS:
        held = admin.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'p')"
            " AND has_table_privilege(%s, c.oid, 'SELECT, INSERT, UPDATE, DELETE')",
            (login,),
        ).fetchall()
        assert held == [], login


def test_the_web_login_cannot_become_the_platform_the_owner_or_the_migrator(admin: psycopg.Connection[Any]) -> None:
    for role in ("terrace_platform", "terrace_owner", "terrace_migrator", "terrace_worker", "terrace_backup"):
        assert admin.execute("SELECT pg_has_role('terrace_app', %s, 'SET')", (role,)).fetchone() == (False,), role
    for role in ("terrace_owner", "terrace_migrator", "terrace_app", "terrace_backup"):
        assert admin.execute("SELECT pg_has_role('terrace_worker', %s, 'SET')", (role,)).fetchone() == (False,), role


def test_a_tenants_role_can_become_nobody_else(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT r.rolname::text, o.rolname::text FROM pg_roles r, pg_roles o"
        r" WHERE r.rolname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$'"
        " AND r.rolname <> o.rolname AND o.rolname <> 'terrace_tenant' AND pg_has_role(r.oid, o.oid, 'SET')"
    ).fetchall()
    assert rows == []


def test_there_is_no_function_that_could_run_as_somebody_else(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    assert rows == []


def test_login_roles_inherit_nothing(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT r.rolname::text, m.roleid::regrole::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
        " WHERE r.rolname = ANY (%s) AND m.inherit_option",
        (list(privileges.LOGINS_WITHOUT_RIGHTS),),
    ).fetchall()
    assert rows == []
