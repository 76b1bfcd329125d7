"""The doors of the engine, tried from outside: placements that name what they may not, logins that reach too far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.store.products.models import Product
from tenants.databases import Databases
from tenants.errors import TenantIsolationError, Unbound
from tenants.sessions import TenantSession
from tests.isolation.street import Street
from tests.isolation.things import product

HOSTILE = ["pool_01, public", 'pool_01", "pool_02', "pool_01\n", "public", "pg_temp", "control", "$user"]


@pytest.fixture
def engine_of_one(settings: Any) -> Iterator[Engine]:
    """Return an engine with a single connection, so that the next user gets what the last one left."""
    databases = Databases({"main": settings.database_url}, pool_size=1)
    yield databases.engine()
    databases.dispose()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_placement_that_names_something_else_opens_nothing(street: Street, name: str) -> None:
    runtime, tenant = street.world.runtime, street["A"].tenant
    for placed in (replace(tenant, schema=name), replace(tenant, role=name)):
        with pytest.raises(TenantIsolationError), runtime.tenant(placed) as ctx:
            ctx.db.execute(text("SELECT 1"))


def test_a_placement_in_a_schema_of_another_role_shows_no_row(street: Street) -> None:
    runtime, own, other = street.world.runtime, street["A"].tenant, street["C"].tenant
    for placed in (replace(own, schema=other.schema), replace(other, schema=own.schema)):
        with pytest.raises((DBAPIError, Unbound)), runtime.tenant(placed) as ctx:
            ctx.db.execute(text("SELECT * FROM product"))


def test_a_schema_that_is_gone_leads_nowhere_else(street: Street) -> None:
    runtime, own = street.world.runtime, street["A"].tenant
    with pytest.raises(DBAPIError, match="does not exist"), runtime.tenant(replace(own, schema="pool_99")) as ctx:
        ctx.db.execute(text("SELECT * FROM product"))


def test_the_web_login_has_no_platform_side(street: Street) -> None:
    with pytest.raises(Unbound), street.world.runtime.platform() as session:
        session.execute(text("SELECT * FROM desk.job"))


def test_a_login_without_a_binding_reads_no_tenants_table(settings: Any, street: Street) -> None:
    for url in (settings.database_url, settings.worker_database_url):
        with psycopg.connect(url, autocommit=True) as connection:
            for table in (f"{street['A'].tenant.schema}.product", "desk.job", "control.tenant"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM {table}".encode())


def test_work_that_was_left_open_is_gone_for_the_next_user(engine_of_one: Engine, street: Street) -> None:
    """Whoever dies in the middle leaves a transaction; the next user of the connection must not commit it."""
    home = street["A"]
    made = product(home)
    with engine_of_one.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute(home.tenant.binding.sql)
        driver.execute("UPDATE product SET name = 'left open' WHERE tenant_id = %s", (home.tenant.id,))
    with TenantSession(engine_of_one, street["B"].tenant.binding) as session:
        session.execute(text("SELECT 1"))
        session.commit()
    with TenantSession(engine_of_one, home.tenant.binding) as session:
        assert session.scalars(select(Product.name).where(Product.id == made.id)).one() == made.name


def test_every_transaction_on_one_connection_is_the_next_tenants(engine_of_one: Engine, street: Street) -> None:
    for label in ("A", "B", "C", "A", "D", "B"):
        tenant = street[label].tenant
        for end in ("commit", "rollback"):
            with TenantSession(engine_of_one, tenant.binding) as session:
                found = set(session.connection().exec_driver_sql("SELECT tenant_id FROM product").scalars())
                getattr(session, end)()
                assert found == {tenant.id}


def test_what_the_database_says_is_never_repeated(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    home = street["A"]
    one, two = product(home), product(home)
    with home.acting() as ctx:
        with pytest.raises(IntegrityError) as caught:
            ctx.db.execute(update(Product).where(Product.id == one.id).values(sku_norm=two.sku_norm))
        ctx.db.rollback()

    def clash(**values: object) -> None:
        raise caught.value

    monkeypatch.setitem(street.app.view_functions, "products.list_products", clash)
    answer = street.app.test_client().get("/api/v1/products", base_url=f"http://{home.host}")
    said = answer.get_data(as_text=True).replace("/products", "")
    assert answer.status_code == 409
    secret = ("product", "uq_", "23505", "Key (", two.sku_norm, str(home.tenant.id))
    assert [word for word in secret if word in said] == []


def test_a_session_looks_in_its_schema_and_in_temporary_tables_last(street: Street) -> None:
    """Where they are not named, temporary tables are looked at first."""
    for label in ("A", "C"):
        with street[label].acting() as ctx:
            assert ctx.db.scalar(text("SHOW search_path")) == f"{street[label].tenant.schema}, pg_temp"
