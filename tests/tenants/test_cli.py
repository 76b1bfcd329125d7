"""`flask tenants …` as an operator uses it."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest

from tenants import quotas
from tenants.cli import tenants_cli


@pytest.fixture
def run(app: Any) -> Any:
    """Return a function that runs a command and returns its result."""
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(tenants_cli, [str(word) for word in words])


def test_list_and_show_find_a_tenant_by_slug_and_id(run: Any, acme: Any) -> None:
    assert acme.tenant.slug in run("list").output
    assert acme.tenant.slug in run("list", "--status", "active").output
    assert acme.tenant.slug not in run("list", "--status", "failed").output
    for name in (acme.tenant.slug, acme.tenant.id):
        shown = run("show", name).output
        assert str(acme.tenant.id) in shown
        assert f"pooled in {acme.tenant.schema} on main" in shown
    assert run("show", "nobody-here").exit_code == 1


def test_create_makes_a_tenant_that_a_worker_opens(run: Any, world: Any) -> None:
    slug = f"made-{uuid.uuid4().hex[:8]}"
    made = run("create", slug, "--company", "Made Ltd", "--email", "a@made.example", "--tier", "enterprise")
    assert made.exit_code == 0, made.output
    world.drain()
    assert "active" in run("show", slug).output
    again = run("create", slug, "--company", "Made Ltd", "--email", "a@made.example")
    assert again.exit_code == 1
    assert "taken" in again.output
    assert "reserved" in run("create", "www", "--company", "x", "--email", "a@b.example").output


def test_suspend_and_resume_say_what_cannot_be(run: Any, acme: Any) -> None:
    slug = acme.tenant.slug
    assert run("suspend", slug, "--reason", "Unpaid").exit_code == 0
    assert "is suspended, not active" in run("suspend", slug, "--reason", "Unpaid").output
    assert "Unpaid" in run("show", slug).output
    assert run("resume", slug).exit_code == 0
    assert run("resume", slug).exit_code == 1
    assert run("retry", slug).exit_code == 1


def test_override_changes_a_limit_or_a_feature_for_a_time(run: Any, acme: Any, runtime: Any) -> None:
    slug = acme.tenant.slug
    assert run("override", slug, "products", 7, "--reason", "A trial", "--days", 30).exit_code == 0
    assert run("override", slug, "custom_branding", 1, "--reason", "A promise").exit_code == 0
    tenant = runtime.resolver.by_id(acme.tenant.id)
    assert (tenant.limit("products"), tenant.has_feature("custom_branding")) == (7, True)
    assert run("override", slug, "products", 9, "--reason", "More", "--days", 0).exit_code == 0
    assert runtime.resolver.by_id(acme.tenant.id).limit("products") == 100
    for name, value in (("shelves", 1), ("products", -2), ("api_access", 5)):
        assert run("override", slug, name, "--reason", "x", "--", value).exit_code != 0


def test_migrate_has_nothing_to_do(run: Any, acme: Any) -> None:
    result = run("migrate")
    assert result.exit_code == 0
    assert "0 moved" in result.output


def test_the_doctor_finds_a_wrong_counter_and_a_missing_wall(run: Any, world: Any, superuser_url: str) -> None:
    house = world.tenant("patient", tier="enterprise")
    with house.ctx() as ctx:
        quotas.reserve(ctx, "products", 3)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f'ALTER TABLE "{house.tenant.schema}".workspace NO FORCE ROW LEVEL SECURITY')
        result = run("doctor")
        connection.execute(f'ALTER TABLE "{house.tenant.schema}".workspace FORCE ROW LEVEL SECURITY')
    assert result.exit_code == 1
    assert f"{house.tenant.slug} products says 3, the rows say 0" in result.output
    assert f"{house.tenant.schema}.workspace row security is not forced" in result.output
    with house.ctx() as ctx:
        quotas.release(ctx, "products", 3)
    assert f"{house.tenant.slug}" not in run("doctor").output
