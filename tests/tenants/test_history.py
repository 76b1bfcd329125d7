"""Models, migrations and the rendered script describe one and the same database."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine
from sqlalchemy.pool import NullPool

from app.kit.db import ControlBase, DeskBase
from tenants.bootstrap import OWNER
from tenants.databases import sqlalchemy_url
from tenants.history import TENANT_HISTORY, target_metadata, tenant_head
from tenants.migration.models import MigrationRun
from tenants.schemas import create_script
from tenants.walls import ROLE_MARK

# All that a schema is made of, with its own name taken out.
SHAPE = """
    SELECT 'column', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text
           || ' ' || a.attidentity::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
           || ' ' || a.attcollation::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = {ns} AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL SELECT 'position', c.relname, string_agg(a.attname, ',' ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = {ns} AND a.attnum > 0 AND c.relkind = 'r' GROUP BY 2
    UNION ALL SELECT 'constraint', conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = {ns}
    UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = {ns}
    UNION ALL SELECT 'policy', polrelid::regclass::text || ' ' || polname, polcmd::text || polpermissive::text
           || polroles::text || coalesce(pg_get_expr(polqual, polrelid), '')
           || coalesce(pg_get_expr(polwithcheck, polrelid), '')
    FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE c.relnamespace = {ns}
    UNION ALL SELECT 'wall', relname, relrowsecurity::text || relforcerowsecurity::text || relowner::regrole::text
    FROM pg_class WHERE relnamespace = {ns} AND relkind IN ('r', 'p')
    UNION ALL SELECT 'grant', relname, a.privilege_type || ' to ' || a.grantee::regrole::text || a.is_grantable::text
    FROM pg_class, aclexplode(relacl) a WHERE relnamespace = {ns}
    UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = {ns}
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE c.relnamespace = {ns} AND NOT tgisinternal
"""


def _differences(admin_url: str, metadata: MetaData, schema: str) -> list[Any]:
    # The schema is the connection's default, so that tables without a schema name are looked for there.
    engine = create_engine(
        sqlalchemy_url(admin_url), poolclass=NullPool, connect_args={"options": f"-c search_path={schema}"}
    )
    qualified = metadata.schema is not None
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": qualified,
        "include_name": lambda name, kind, parents: kind != "schema" or name == (schema if qualified else None),
        "include_object": lambda thing, name, kind, reflected, other: name != "alembic_version",
    }
    with engine.connect() as connection:
        # A default schema is left out of names, so for models that name theirs it must be another one.
        connection.dialect.default_schema_name = "pg_temp" if qualified else schema
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    return found


@pytest.mark.parametrize(("base", "schema"), [(ControlBase, "control"), (DeskBase, "desk")])
def test_the_models_of_control_and_desk_are_what_the_migrations_make(settings: Any, base: Any, schema: str) -> None:
    assert MigrationRun.__tablename__ in {table.name for table in ControlBase.metadata.sorted_tables}
    assert _differences(settings.database_admin_url, base.metadata, schema) == []


def test_the_models_of_tenants_are_what_the_migrations_make(settings: Any, runtime: Any) -> None:
    # The runtime's modules have brought all models with them.
    assert _differences(settings.database_admin_url, target_metadata(), "pool_01") == []


def _shape(connection: psycopg.Connection[Any], schema: str, role: str) -> set[tuple[str, ...]]:
    connection.execute(f'SET LOCAL search_path = "{schema}", pg_temp'.encode())
    rows = connection.execute(SHAPE.format(ns=f"'\"{schema}\"'::regnamespace").encode()).fetchall()
    return {
        tuple(part.replace(f'"{schema}"', "S").replace(schema, "S").replace(role, "S") for part in row) for row in rows
    }


def test_the_rendered_script_builds_what_alembic_builds(superuser_url: str, settings: Any) -> None:
    scripted, reference = f"t_{uuid.uuid4().hex}", f"t_{uuid.uuid4().hex}"
    engine = create_engine(sqlalchemy_url(superuser_url), poolclass=NullPool)
    with engine.connect() as connection:
        # Everything in one transaction that is rolled back: the two schemas and the roles of their grants.
        driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
        script = create_script(scripted).decode().removeprefix("BEGIN; ").removesuffix("; COMMIT")
        driver.execute(f"SET LOCAL ROLE terrace_migrator; {script}".encode())
        driver.execute(f"SET LOCAL ROLE NONE; CREATE ROLE {ROLE_MARK}; GRANT {ROLE_MARK} TO {OWNER}".encode())
        driver.execute(f'SET LOCAL ROLE {OWNER}; CREATE SCHEMA "{reference}"'.encode())
        driver.execute(f'SET LOCAL search_path = "{reference}", pg_temp'.encode())
        TENANT_HISTORY.build(connection)
        driver.execute(b"SET LOCAL ROLE NONE; DROP TABLE alembic_version")
        one = _shape(driver, scripted, scripted)
        two = _shape(driver, reference, ROLE_MARK)
        connection.rollback()
    engine.dispose()
    assert len(one) > 300
    assert one == two


def test_every_pool_stands_at_the_head_and_has_one_shape(superuser_url: str) -> None:
    with psycopg.connect(superuser_url) as connection:
        revisions = connection.execute(
            "SELECT DISTINCT revision FROM control.schema_version WHERE schema_name ~ '^pool'"
        )
        assert revisions.fetchall() == [(tenant_head(),)]
        assert _shape(connection, "pool_01", "pool_01") == _shape(connection, "pool_02", "pool_02")
        connection.rollback()
