"""Tenants on two databases of two servers: everything works on both, and neither holds rows of the other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from app.factory import build_runtime, create_app
from app.kit.desk import Job, Outbox
from config.settings import DatabaseUrls, Settings, SettingsError
from stack.folder import DataFolder
from stack.postgres import Postgres
from tenants import placement, provisioning, registration, spares
from tenants.bootstrap import LOGINS, bootstrap
from tenants.cli import tenants_cli
from tenants.errors import PlacementRefused
from tenants.migrate import migrate_all
from tenants.models import Placement, Spare, TenantRecord
from tests.conftest import PASSWORD, clone_database, login_urls
from tests.exports.support import export, table
from tests.world import House, World

FURTHER = "east"


@pytest.fixture(scope="module")
def second_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a superuser's address on a PostgreSQL server of its own."""
    folder = DataFolder(tmp_path_factory.mktemp("second"))
    folder.lock()
    server = Postgres(folder, fast=True)
    server.start()
    try:
        server.wait_ready()
        yield server.env()["DATABASE_SUPERUSER_URL"]
    finally:
        server.stop()
        folder.unlock()


@pytest.fixture(scope="module")
def wide(second_server: str, settings: Settings) -> Iterator[World]:
    """Return a world of its own with two databases, `main` and `east`."""
    main = clone_database(f"wide_{uuid.uuid4().hex[:8]}")
    name = main.rsplit("/", 1)[1]
    first = login_urls(main, name)
    bootstrap(second_server, dict.fromkeys(LOGINS, PASSWORD))
    there = login_urls(second_server, second_server.rsplit("/", 1)[1])
    two = replace(
        settings,
        database_url=first["DATABASE_URL"],
        worker_database_url=first["WORKER_DATABASE_URL"],
        database_admin_url=first["DATABASE_ADMIN_URL"],
        further_databases=(
            (FURTHER, DatabaseUrls(there["DATABASE_URL"], there["WORKER_DATABASE_URL"], there["DATABASE_ADMIN_URL"])),
        ),
    )
    migrate_all(there["DATABASE_ADMIN_URL"], pools=two.pools, database=FURTHER)
    runtime, worker = build_runtime(two), build_runtime(two, as_worker=True)
    yield World(create_app(runtime=runtime), runtime, worker)
    for each in (runtime, worker):
        each.databases.dispose()
        each.redis.close()


@pytest.fixture(scope="module")
def houses(wide: World) -> dict[tuple[str, str], House]:
    """Return a tenant of each kind on each database."""
    made: dict[tuple[str, str], House] = {}
    for tier in ("basic", "enterprise"):
        # Six pooled tenants over four pools leave none without one; dedicated schemas take turns.
        for _ in range(6 if tier == "basic" else 2):
            house = wide.tenant("wide", tier=tier)
            made.setdefault((house.tenant.database, house.tenant.isolation), house)
    return made


def _product(number: str = "1") -> dict[str, Any]:
    return {"sku": f"WIDE-{number}", "name": "Lantern", "price": "12.00", "currency": "EUR", "inventory": 5}


def test_tenants_of_both_kinds_are_placed_on_both_databases(houses: dict[tuple[str, str], House]) -> None:
    assert set(houses) == {(d, i) for d in ("main", FURTHER) for i in ("pooled", "dedicated")}


def test_requests_jobs_events_and_exports_work_on_both(wide: World, houses: dict[tuple[str, str], House]) -> None:
    for (database, isolation), house in houses.items():
        api = house.api()
        sku = f"{database}-{isolation}"
        assert api.post("/products", json=_product(sku)).status_code == 201
        wide.drain()
        _, content = export(house, resource="products")
        assert [row["sku"] for row in table(content)] == [f"WIDE-{sku}"]
        with wide.worker_runtime.platform(database) as session:
            of_house = select(func.count()).where(Job.tenant_id == house.tenant.id, Job.state == "succeeded")
            assert session.scalar(of_house)
            assert session.scalar(select(func.count()).where(Outbox.tenant_id == house.tenant.id))


def test_no_database_holds_rows_of_a_tenant_of_the_other(
    wide: World, houses: dict[tuple[str, str], House], second_server: str
) -> None:
    for (database, _), house in houses.items():
        other = "main" if database == FURTHER else FURTHER
        with wide.worker_runtime.platform(other) as session:
            assert session.scalar(select(func.count()).where(Job.tenant_id == house.tenant.id)) == 0
            assert session.scalar(select(func.count()).where(Outbox.tenant_id == house.tenant.id)) == 0
    with psycopg.connect(second_server) as connection:
        assert connection.execute("SELECT count(*) FROM control.tenant").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM control.placement").fetchone() == (0,)


def test_the_pages_of_one_tenant_refuse_the_token_of_another_database(houses: dict[tuple[str, str], House]) -> None:
    here, there = houses["main", "pooled"], houses[FURTHER, "pooled"]
    token = here.api().token
    answer = there.browser().get("/api/v1/products", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_spare_is_made_where_there_is_room_and_claimed_there(wide: World) -> None:
    ready = replace(wide.worker_runtime, settings=replace(wide.worker_runtime.settings, spares=2))
    spares.refill(ready, None)
    with wide.runtime.control() as session:
        found = {
            spare.schema_name: spare.database for spare in session.scalars(select(Spare)) if spare.state == "ready"
        }
    assert set(found.values()) == {"main", FURTHER}
    for _ in found:
        house = wide.tenant("spare", tier="enterprise")
        assert found[str(house.tenant.schema)] == house.tenant.database
        assert house.api().get("/products").status_code == 200


def test_the_doctor_looks_at_both(wide: World, houses: dict[tuple[str, str], House], second_server: str) -> None:
    runner = wide.app.test_cli_runner()
    healthy = runner.invoke(tenants_cli, ["doctor", "--no-counters"])
    assert healthy.exit_code == 0, healthy.output
    name = houses[FURTHER, "dedicated"].tenant.schema
    with psycopg.connect(second_server, autocommit=True) as connection:
        connection.execute(f'ALTER TABLE "{name}".product NO FORCE ROW LEVEL SECURITY')
        connection.execute(f'ALTER SCHEMA "{houses[FURTHER, "pooled"].tenant.schema}" RENAME TO aside')
        ill = runner.invoke(tenants_cli, ["doctor", "--no-counters"])
        connection.execute(f'ALTER TABLE "{name}".product FORCE ROW LEVEL SECURITY')
        connection.execute(f'ALTER SCHEMA aside RENAME TO "{houses[FURTHER, "pooled"].tenant.schema}"')
    assert ill.exit_code == 1
    assert f"{FURTHER}  row security is enabled and forced: {name}.product" in ill.output
    assert "does not exist" in ill.output


def test_a_full_database_is_passed_over_and_a_full_house_refused(wide: World, caplog: Any) -> None:
    with wide.runtime.control() as session:
        counts = placement.count_dedicated(session)
        fewest = min(counts.get(name, 0) for name in ("main", FURTHER))
        near = replace(wide.runtime.settings, dedicated_warn=fewest, dedicated_limit=fewest + 1)
        assert counts.get(placement.roomiest(session, near), 0) == fewest
        assert "near the ceiling" in caplog.text
        with pytest.raises(PlacementRefused, match="FURTHER_DATABASES"):
            placement.roomiest(session, replace(near, dedicated_limit=fewest))


def test_a_refused_placement_leaves_nothing_and_says_so(wide: World) -> None:
    full = replace(wide.worker_runtime.settings, dedicated_limit=1, dedicated_warn=1)
    tenant_id = registration.register(
        wide.runtime,
        registration.SignUp(
            company_name="Late", slug=f"late-{uuid.uuid4().hex[:8]}", admin_email="a@late.example", password_hash="x",
            tier="enterprise",
        ),
    )  # fmt: skip
    with pytest.raises(PlacementRefused):
        provisioning.provision(
            replace(wide.worker_runtime, settings=full),
            SimpleNamespace(attempt=provisioning.MAX_ATTEMPTS),
            tenant_id=str(tenant_id),
        )
    with wide.runtime.control() as session:
        assert session.get(Placement, tenant_id) is None
        record = session.get_one(TenantRecord, tenant_id)
    assert record.status == "failed"
    assert "no room" in record.status_reason
    registration.retry(wide.runtime, tenant_id)
    wide.drain()
    with wide.runtime.control() as session:
        assert session.get_one(TenantRecord, tenant_id).status == "active"


@pytest.mark.parametrize("names", ["main", "East", "a-b", "east,east", "1st"])
def test_a_wrong_name_of_a_database_is_said(names: str, environ: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(SettingsError, match="FURTHER_DATABASES"):
        Settings.from_env(environ(FURTHER_DATABASES=names))


def test_a_named_database_needs_its_address(environ: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL_EAST"):
        Settings.from_env(environ(FURTHER_DATABASES="east"))


@pytest.fixture
def environ() -> Callable[..., dict[str, str]]:
    """Return a function that makes a sound environment with changes."""
    sound = {
        "SECRET_KEY": "k" * 40,
        "DATABASE_URL": "postgresql://app@db/terrace",
        "REDIS_URL": "redis://r",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "SMTP_URL": "smtp://m:25",
    }
    return lambda **changes: {**sound, **changes}
