"""Sign-up and provisioning: one tenant for two sign-ups, every step repeatable, nothing half-made left behind."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from app.accounts.models import UserAccount
from app.kit.db import TenantBase
from app.kit.errors import Conflict, DomainError, Invalid
from tenants import provisioning, registration, spares
from tenants.migrate import migrate_all
from tenants.models import Placement, ProvisioningRun, Spare, TenantRecord
from tenants.placement import roomiest
from tenants.registration import SignUp, SlugTaken
from tenants.rehearsal import rehearse
from tenants.schemas import exists, migrator
from tenants.slugs import RESERVED, slug_problem, suggest_slug

FIRST = SimpleNamespace(attempt=1)
LAST = SimpleNamespace(attempt=provisioning.MAX_ATTEMPTS)


def sign_up(slug: str | None = None, **changes: Any) -> SignUp:
    slug = slug or f"co-{uuid.uuid4().hex[:12]}"
    return SignUp(company_name="Co", slug=slug, admin_email="a@co.example", password_hash="", **changes)


@pytest.mark.parametrize(
    "slug", ["", "a", "ab", "Acme", "acme-", "-acme", "1acme", "ac--me", "a" * 41, "ac me", "acmé", "www", "api"]
)
def test_a_slug_that_cannot_be_is_refused_with_a_reason(runtime: Any, slug: str) -> None:
    assert slug_problem(slug)
    with pytest.raises(Invalid) as caught:
        registration.register(runtime, sign_up(slug or "-"))
    assert caught.value.errors[0].pointer == "#/slug"


def test_no_reserved_name_is_malformed_for_another_reason() -> None:
    assert all(slug_problem(name) for name in RESERVED)


def test_a_company_name_suggests_a_slug() -> None:
    assert suggest_slug("Harbour Press & Sons Ltd.") == "harbour-press-sons-ltd"
    assert suggest_slug("1st Ltd") == "st-ltd"
    assert suggest_slug("漢字") == ""


def test_twenty_sign_ups_with_one_slug_give_one_tenant(runtime: Any) -> None:
    slug = f"race-{uuid.uuid4().hex[:8]}"

    def attempt(_: int) -> str:
        try:
            registration.register(runtime, sign_up(slug))
        except SlugTaken:
            return "taken"
        return "made"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(20)))
    assert outcomes.count("made") == 1
    with runtime.control() as session:
        assert session.scalar(select(func.count()).select_from(TenantRecord).where(TenantRecord.slug == slug)) == 1


def test_a_retried_sign_up_gets_the_same_tenant(runtime: Any) -> None:
    first = sign_up(key="k-" + uuid.uuid4().hex, digest="d")
    assert registration.register(runtime, first) == registration.register(runtime, first)
    with pytest.raises(Invalid) as caught:
        registration.register(runtime, replace(first, digest="other"))
    assert caught.value.code == "idempotency.mismatch"


def test_an_unknown_tier_is_refused(runtime: Any) -> None:
    with pytest.raises(Invalid):
        registration.register(runtime, sign_up(tier="platinum"))


@pytest.mark.parametrize("tier", ["basic", "enterprise"])
def test_provisioning_may_be_run_again_after_every_step(worker_runtime: Any, runtime: Any, tier: str) -> None:
    tenant_id = registration.register(runtime, sign_up(tier=tier))
    for count in range(1, len(provisioning.STEPS) + 1):
        # As workers that died right after their first, second, … step: what they only knew by heart is gone.
        diary = provisioning.Diary(tenant_id)
        diary.read(worker_runtime)
        for name, step in provisioning.STEPS[:count]:
            diary.begin(name)
            step(worker_runtime, diary)
            if name != "opened":
                step(worker_runtime, diary)
    provisioning.provision(worker_runtime, FIRST, tenant_id=str(tenant_id))
    with runtime.control() as session:
        record, run = session.get_one(TenantRecord, tenant_id), session.get_one(ProvisioningRun, tenant_id)
    assert (record.status, run.state) == ("active", "succeeded")
    assert [step["name"] for step in run.steps] == list(registration.STEPS)
    assert run.first_admin == {}


@pytest.mark.parametrize("tier", ["basic", "enterprise"])
def test_a_run_that_cannot_end_takes_itself_back_and_may_be_tried_again(
    runtime: Any, worker_runtime: Any, world: Any, superuser_url: str, tier: str
) -> None:
    tenant_id = registration.register(runtime, sign_up(tier=tier))

    def broken(ctx: Any, admin: Any) -> None:
        raise RuntimeError("the starter content is broken")

    worker_runtime.provision_hooks.append(broken)
    try:
        with pytest.raises(RuntimeError):
            provisioning.provision(worker_runtime, LAST, tenant_id=str(tenant_id))
    finally:
        worker_runtime.provision_hooks.remove(broken)
    with runtime.control() as session:
        assert session.get(Placement, tenant_id) is None
        record = session.get_one(TenantRecord, tenant_id)
        assert (record.status, bool(record.status_reason)) == ("failed", True)
        assert "broken" not in record.status_reason
    _nothing_left(superuser_url, tenant_id)

    registration.retry(runtime, tenant_id)
    world.drain()
    with runtime.control() as session:
        assert session.get_one(TenantRecord, tenant_id).status == "active"
    with pytest.raises(Conflict):
        registration.retry(runtime, tenant_id)


def _nothing_left(superuser_url: str, tenant_id: uuid.UUID) -> None:
    with psycopg.connect(superuser_url) as connection:
        for schema in ("pool_01", "pool_02"):
            for table in TenantBase.metadata.sorted_tables:
                query = f"SELECT count(*) FROM {schema}.{table.name} WHERE tenant_id = %s"
                assert connection.execute(query, (tenant_id,)).fetchone() == (0,)
        assert not exists(connection, f"t_{tenant_id.hex}")


def test_a_spare_is_claimed_by_one_sign_up_only_and_refilled(runtime: Any, worker_runtime: Any, world: Any) -> None:
    ready = replace(worker_runtime, settings=replace(worker_runtime.settings, spares=2))
    spares.refill(ready, FIRST)
    with runtime.control() as session:
        names = set(session.scalars(select(Spare.schema_name).where(Spare.state == "ready")))
    assert len(names) == 2
    houses = [world.tenant("spare", tier="enterprise") for _ in range(3)]
    schemas = [house.tenant.schema for house in houses]
    assert names < set(schemas)
    assert len(set(schemas)) == 3


def test_tenants_spread_over_the_pools(world: Any, runtime: Any) -> None:
    for _ in range(4):
        world.tenant("spread")
    with runtime.control() as session:
        counts = dict(
            session.execute(
                select(Placement.schema_name, func.count())
                .where(Placement.isolation == "pooled")
                .group_by(Placement.schema_name)
            ).all()
        )
    assert set(counts) == {"pool_01", "pool_02"}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_worker_without_the_migrators_address_says_so(worker_runtime: Any) -> None:
    poor = replace(worker_runtime.settings, database_admin_url=None)
    with worker_runtime.control() as session, pytest.raises(DomainError, match="DATABASE_ADMIN_URL"):
        roomiest(session, poor)


def test_migrating_again_changes_nothing(settings: Any, initech: Any) -> None:
    report = migrate_all(settings.database_admin_url, pools=2)
    assert (report.moved, report.failed) == ([], {})
    assert report.unchanged >= 3


def test_an_old_schema_is_brought_to_the_head(settings: Any, world: Any, superuser_url: str) -> None:
    """Undo the newest revision's version row of one schema and let the run fail on what is there: nothing moves."""
    house = world.tenant("old", tier="enterprise")
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE control.schema_version SET revision = '0001' WHERE schema_name = %s", (house.tenant.schema,)
        )
        report = migrate_all(settings.database_admin_url, pools=2)
        assert set(report.failed) == {house.tenant.schema}
        still = connection.execute(
            "SELECT revision FROM control.schema_version WHERE schema_name = %s", (house.tenant.schema,)
        ).fetchone()
        assert still == ("0001",)
        connection.execute(
            "UPDATE control.schema_version SET revision = %s WHERE schema_name = %s", (report.head, house.tenant.schema)
        )


def test_a_migrator_connection_owns_nothing_by_itself(settings: Any) -> None:
    with migrator(settings.database_admin_url) as connection:
        row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, False)


def test_a_rehearsal_leaves_nothing_behind(worker_runtime: Any, world: Any, superuser_url: str) -> None:
    world.tenant("before")
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        before = _counts(connection)
        rehearse(worker_runtime)
        provisioning._rehearse(worker_runtime)
        assert _counts(connection) == before


def _counts(connection: Any) -> dict[str, int]:
    names = [f"pool_0{n}.{table.name}" for n in (1, 2) for table in TenantBase.metadata.sorted_tables]
    names += [
        "control.tenant",
        "control.placement",
        "control.provisioning_run",
        "desk.job",
        "desk.outbox",
        "desk.usage",
    ]
    counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    claimed = connection.execute("SELECT count(*) FROM control.spare WHERE state = 'claimed'").fetchone()[0]
    return {**counts, "claimed": claimed}


@pytest.mark.parametrize("tier", ["basic", "enterprise"])
def test_a_run_that_was_overtaken_and_then_fails_leaves_the_open_tenant_alone(
    runtime: Any, worker_runtime: Any, tier: str
) -> None:
    tenant_id = registration.register(runtime, sign_up(tier=tier))

    def overtaken(ctx: Any, admin: Any) -> None:
        # As when this process slept past its lease: another one does the same work, to its end.
        provisioning.provision(worker_runtime, FIRST, tenant_id=str(tenant_id))
        raise RuntimeError("too late")

    late = replace(worker_runtime, provision_hooks=[overtaken])
    provisioning.provision(late, LAST, tenant_id=str(tenant_id))
    with runtime.control() as session:
        assert session.get_one(TenantRecord, tenant_id).status == "active"
        assert session.get_one(ProvisioningRun, tenant_id).state == "succeeded"
    runtime.resolver.forget(tenant_id)
    with runtime.tenant(tenant_id) as ctx:
        assert ctx.db.scalar(select(func.count()).select_from(UserAccount)) == 1


def test_a_run_that_comes_late_does_not_open_what_was_taken_back(runtime: Any, worker_runtime: Any) -> None:
    tenant_id = registration.register(runtime, sign_up())

    def gave_up(ctx: Any, admin: Any) -> None:
        failing = replace(worker_runtime, provision_hooks=[_fail])
        with pytest.raises(RuntimeError):
            provisioning.provision(failing, LAST, tenant_id=str(tenant_id))

    late = replace(worker_runtime, provision_hooks=[gave_up])
    with suppress(Exception):
        provisioning.provision(late, FIRST, tenant_id=str(tenant_id))
    with runtime.control() as session:
        assert session.get_one(TenantRecord, tenant_id).status == "failed"
        assert session.get(Placement, tenant_id) is None


def _fail(ctx: Any, admin: Any) -> None:
    raise RuntimeError("no")
