"""The string that opens a transaction, and what it leaves behind (DB-03, DB-10, DB-12, DB-20 … DB-22, DB-24, DB-25)."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from app.workspace.models import Workspace
from tenants.binding import CONTROL, SCHEMA_NAME, Binding
from tenants.databases import OPTION, sqlalchemy_url
from tenants.errors import TenantIsolationError, Unbound
from tenants.sessions import TenantSession

HOSTILE = ["", "pool_01, public", 'pool_01"', "public", "$user", "pg_temp", "t_" + "0" * 31, "t_" + "G" * 32, "pool_1",
           "t_" + "a" * 70, "pöol_01", "pool_01\x00", "pool_01 ", "POOL_01"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_or_role_name_is_refused_before_any_sql(name: str) -> None:
    with pytest.raises(TenantIsolationError):
        Binding("pool_01", name, uuid.uuid4())
    with pytest.raises(TenantIsolationError):
        Binding(name, "pool_01", uuid.uuid4())


@given(st.text(max_size=80))
@settings(max_examples=500)
def test_only_registry_names_are_ever_quoted(name: str) -> None:
    if SCHEMA_NAME.fullmatch(name):
        assert f'"{name}", pg_temp' in Binding(name, name, uuid.uuid4()).sql.decode()
    else:
        with pytest.raises(TenantIsolationError):
            Binding(name, name, uuid.uuid4())


def test_a_tenant_id_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(TenantIsolationError):
        Binding("pool_01", "pool_01", "x'; DROP TABLE product; --")  # type: ignore[arg-type]


def test_the_string_is_a_list_of_set_local_and_nothing_else() -> None:
    first, *rest = Binding("pool_01", "pool_01", uuid.uuid4()).sql.decode().split("; ")
    assert first == "BEGIN"
    assert rest
    assert all(part.startswith("SET LOCAL ") for part in rest)


def test_the_path_is_the_tenants_schema_then_temporary_tables_and_nothing_else() -> None:
    script = Binding("t_" + "a" * 32, "t_" + "a" * 32, uuid.uuid4()).sql.decode()
    path = next(part for part in script.split("; ") if "search_path" in part)
    assert path.split(" = ", 1)[1] == f'"t_{"a" * 32}", pg_temp'


def test_a_transaction_sees_its_tenant_and_only_its_schema(acme: Any, initech: Any) -> None:
    for house in (acme, initech):
        with house.ctx() as ctx:
            row = ctx.db.execute(
                text(
                    "SELECT current_user, session_user, current_setting('app.tenant_id'), current_schemas(false)::text"
                )
            ).one()
        tenant = house.tenant
        assert row == (tenant.role, "terrace_app", str(tenant.id), "{" + str(tenant.schema) + "}")


def test_a_statement_without_a_tenant_is_refused_before_it_is_sent(runtime: Any) -> None:
    with Session(runtime.databases.engine()) as session, pytest.raises(Unbound):
        session.execute(text("SELECT 1"))


def test_context_is_set_again_in_every_transaction_of_a_session(runtime: Any, acme: Any) -> None:
    with TenantSession(runtime.databases.engine(), acme.tenant.binding) as session:
        for _ in range(3):
            assert session.scalars(select(Workspace)).one().tenant_id == acme.tenant.id
            session.commit()
        session.rollback()
        with session.begin_nested() as nested:
            nested.rollback()
        assert session.scalars(select(Workspace)).one().tenant_id == acme.tenant.id


def test_nothing_of_a_tenant_stays_on_the_connection(runtime: Any, acme: Any) -> None:
    with acme.ctx() as ctx:
        driver = ctx.db.connection().connection.dbapi_connection
        ctx.db.execute(text("SELECT 1"))
    row = driver.execute(
        "SELECT current_user, coalesce(current_setting('app.tenant_id', true), ''), current_setting('search_path')"
    ).fetchone()
    driver.rollback()
    assert row == ("terrace_app", "", '""')


@pytest.mark.parametrize(
    "statement",
    ["SET search_path = pool_01", "set session role terrace_control", "SET app.tenant_id = 'x'", "RESET ROLE",
     "  SET\tSESSION AUTHORIZATION postgres", "DISCARD ALL"],
)  # fmt: skip
def test_session_level_settings_are_refused_by_the_driver_hook(acme: Any, statement: str) -> None:
    with pytest.raises(TenantIsolationError), acme.ctx() as ctx:
        ctx.db.execute(text(statement))


def _fail_inside(connection: psycopg.Connection[Any]) -> None:
    connection.execute("BEGIN")
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT 1/0")


POISON = {
    "open transaction": lambda c: c.execute("BEGIN"),
    "failed transaction": _fail_inside,
    "session settings": lambda c: c.execute("SET statement_timeout = 1"),
    "session tenant": lambda c: c.execute(f"SET app.tenant_id = '{uuid.uuid4()}'"),
    "session role": lambda c: c.execute("SET ROLE terrace_control"),
    "session path": lambda c: c.execute("SET search_path = control"),
    "open cursor": lambda c: c.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT"),
    "listener": lambda c: c.execute("LISTEN something"),
    "prepared": lambda c: c.execute("PREPARE p AS SELECT 1"),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_connection_shows_the_next_tenant_nothing_else(
    settings: Any, acme: Any, globex: Any, name: str
) -> None:
    engine = _engine_of_one(settings)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        POISON[name](raw)
    for house in (globex, acme, globex):
        with TenantSession(engine, house.tenant.binding) as session:
            assert session.scalar(text("SELECT current_user")) == house.tenant.role
            assert [w.tenant_id for w in session.scalars(select(Workspace))] == [house.tenant.id]
            assert session.scalar(text("SHOW statement_timeout")) == f"{house.tenant.tier.statement_timeout // 1000}s"
    engine.dispose()


def _engine_of_one(settings: Any) -> Any:
    from tenants import databases  # noqa: PLC0415

    return databases._engine(settings.database_url, 1)


def test_a_cancelled_statement_leaves_a_clean_connection(settings: Any, acme: Any, globex: Any) -> None:
    engine = _engine_of_one(settings)
    with TenantSession(engine, acme.tenant.binding) as session:
        driver = session.connection().connection.dbapi_connection
        timer = threading.Timer(0.2, driver.cancel_safe)
        timer.start()
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT count(*) FROM generate_series(1, 2000000000)"))
        timer.join()
    with TenantSession(engine, globex.tenant.binding) as session:
        assert session.scalars(select(Workspace)).one().tenant_id == globex.tenant.id
    engine.dispose()


def test_a_connection_that_the_server_closed_is_replaced_without_an_error(
    settings: Any, superuser_url: str, acme: Any
) -> None:
    engine = _engine_of_one(settings)
    with TenantSession(engine, acme.tenant.binding) as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(superuser_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
    with TenantSession(engine, acme.tenant.binding) as session:
        assert session.scalars(select(Workspace)).one().tenant_id == acme.tenant.id
    engine.dispose()


def test_alternating_schemas_on_one_connection_never_mix(settings: Any, acme: Any, initech: Any) -> None:
    engine = _engine_of_one(settings)
    for turn in range(1000):
        house = (acme, initech)[turn % 2]
        with TenantSession(engine, house.tenant.binding) as session:
            assert session.scalars(select(Workspace)).one().tenant_id == house.tenant.id
    engine.dispose()


def test_threads_do_not_inherit_a_tenant(runtime: Any, acme: Any) -> None:
    def reach() -> str:
        with Session(runtime.databases.engine()) as session:
            try:
                session.execute(text("SELECT count(*) FROM workspace"))
            except (Unbound, ProgrammingError) as error:
                return type(error).__name__
        return "leaked"

    with acme.ctx(), ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(reach) for _ in range(8)]}
    assert found == {"Unbound"}


def test_a_temporary_table_cannot_be_made_to_shadow_a_real_one(acme: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acme.ctx() as ctx:
        ctx.db.execute(text("CREATE TEMP TABLE workspace (id int)"))


def test_control_is_reached_only_by_its_own_session(runtime: Any, acme: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acme.ctx() as ctx:
        ctx.db.execute(text("SELECT count(*) FROM control.tenant"))
    with runtime.control() as session:
        assert session.binding == CONTROL
        with pytest.raises(ProgrammingError):
            session.execute(text(f"SELECT count(*) FROM {acme.tenant.schema}.workspace"))
        session.rollback()


def test_an_engine_without_our_events_is_the_only_way_past_the_binding(settings: Any) -> None:
    bare = create_engine(sqlalchemy_url(settings.database_url), connect_args={"autocommit": True})
    with bare.connect() as connection, pytest.raises(ProgrammingError, match="does not exist"):
        connection.execute(text("SELECT count(*) FROM workspace"))
    bare.dispose()
    assert OPTION == "terrace_binding"
