"""`flask tenants …`: what an operator does from the terminal."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import click
import psycopg
from flask.cli import AppGroup
from sqlalchemy import func, select

from app.kit.clock import utcnow
from app.kit.errors import DomainError
from app.kit.ids import parse_id
from tenants import lifecycle, registration
from tenants.bootstrap import LOGINS, bootstrap
from tenants.inspection import clocks, durability, inspect
from tenants.migration.commands import drift_command, migrate_command
from tenants.models import Placement, Spare, TenantRecord
from tenants.quotas import recount
from tenants.runtime import Runtime
from tenants.schemas import migrator
from tenants.terminal import admin_url, the_runtime

tenants_cli = AppGroup("tenants", help="Tenants: make, look at, suspend, migrate and check them.")
tenants_cli.add_command(migrate_command)
tenants_cli.add_command(drift_command)


def _find(name: str) -> TenantRecord:
    wanted = parse_id(name)
    with the_runtime().control() as session:
        condition = TenantRecord.id == wanted if wanted else TenantRecord.slug == name
        found = session.scalar(select(TenantRecord).where(condition))
    if found is None:
        raise click.ClickException(f"No tenant is called {name}.")
    return found


@tenants_cli.command("bootstrap")
@click.option("--superuser-url", envvar="DATABASE_SUPERUSER_URL", required=True, help="A superuser's address.")
@click.option("--passwords", envvar="DATABASE_PASSWORDS", default="{}", help="JSON: login role to password.")
def bootstrap_command(superuser_url: str, passwords: str) -> None:
    """Make the database's roles; once for each database, safe to repeat."""
    known: dict[str, Any] = json.loads(passwords)
    unknown = set(known) - set(LOGINS)
    if unknown:
        raise click.ClickException(f"DATABASE_PASSWORDS names unknown roles: {', '.join(sorted(unknown))}.")
    bootstrap(superuser_url, known)
    click.echo("Roles are ready.")


@tenants_cli.command("list")
@click.option("--status", default=None, help="Only tenants in this state.")
def list_command(status: str | None) -> None:
    """List tenants, newest first."""
    query = select(TenantRecord, Placement).outerjoin(Placement, Placement.tenant_id == TenantRecord.id)
    if status:
        query = query.where(TenantRecord.status == status)
    with the_runtime().control() as session:
        for record, placement in session.execute(query.order_by(TenantRecord.created_at.desc())):
            place = "-" if placement is None else placement.schema_name
            click.echo(f"{record.slug:<28} {record.status:<13} {record.tier:<11} {place:<35} {record.company_name}")


@tenants_cli.command("show")
@click.argument("tenant")
def show_command(tenant: str) -> None:
    """Show one tenant, by slug or id."""
    record = _find(tenant)
    with the_runtime().control() as session:
        placement = session.get(Placement, record.id)
    place = "-"
    if placement is not None:
        place = f"{placement.isolation} in {placement.schema_name} on {placement.database}"
    lines = {
        "id": record.id,
        "slug": record.slug,
        "company": record.company_name,
        "tier": record.tier,
        "status": record.status,
        "reason": record.status_reason or "-",
        "region": record.region,
        "placement": place,
        "made": record.created_at.isoformat(),
        "trial ends": record.trial_ends_at or "-",
    }
    for name, value in lines.items():
        click.echo(f"{name:<11} {value}")


@tenants_cli.command("create")
@click.argument("slug")
@click.option("--company", required=True, help="The company's name.")
@click.option("--email", required=True, help="The first administrator's address; a link to set a password goes there.")
@click.option("--tier", default="basic", show_default=True)
def create_command(slug: str, company: str, email: str, tier: str) -> None:
    """Make a tenant; a worker provisions it."""
    signup = registration.SignUp(company_name=company, slug=slug, admin_email=email, password_hash="", tier=tier)
    try:
        tenant_id: UUID = registration.register(the_runtime(), signup)
    except DomainError as error:
        reasons = " ".join(e.detail for e in error.errors)
        raise click.ClickException(f"{error.title}. {error.detail or ''} {reasons}".strip()) from error
    click.echo(f"{tenant_id}  provisioning; see `flask tenants show {slug}`")


@tenants_cli.command("suspend")
@click.argument("tenant")
@click.option("--reason", required=True, help="What the tenant's people read.")
def suspend_command(tenant: str, reason: str) -> None:
    """Close a tenant's doors within seconds; nothing is deleted."""
    _say(lambda: lifecycle.suspend(the_runtime(), _find(tenant).id, reason=reason), f"{tenant} is suspended.")


@tenants_cli.command("resume")
@click.argument("tenant")
def resume_command(tenant: str) -> None:
    """Open a suspended tenant's doors again."""
    _say(lambda: lifecycle.resume(the_runtime(), _find(tenant).id), f"{tenant} is active.")


@tenants_cli.command("retry")
@click.argument("tenant")
def retry_command(tenant: str) -> None:
    """Start a failed provisioning again."""
    _say(lambda: registration.retry(the_runtime(), _find(tenant).id), f"{tenant} is being provisioned.")


@tenants_cli.command("override")
@click.argument("tenant")
@click.argument("name")
@click.argument("value", type=int)
@click.option("--reason", required=True, help="Why this tenant differs from its tier.")
@click.option("--days", type=int, default=None, help="How long it lasts; for good when left out.")
def override_command(tenant: str, name: str, value: int, reason: str, days: int | None) -> None:
    """Give one tenant another limit (-1: none) or switch a feature (0 or 1)."""
    expires_at = utcnow() + timedelta(days=days) if days is not None else None
    by = f"operator {getpass.getuser()}"

    def act() -> None:
        lifecycle.override(
            the_runtime(), _find(tenant).id, name=name, value=value, reason=reason, expires_at=expires_at, by=by
        )

    _say(act, f"{tenant} has {name} = {value}" + (f" for {days} days." if days is not None else "."))


def _say(act: Any, done: str) -> None:
    try:
        act()
    except DomainError as error:
        raise click.ClickException(error.detail or error.title) from error
    click.echo(done)


@tenants_cli.command("doctor")
@click.option("--counters/--no-counters", default=True, help="Also recount every tenant's quotas.")
def doctor_command(counters: bool) -> None:
    """Check walls, drift, placements, durability, clocks, counters and spares; exit 1 when something is wrong."""
    runtime = the_runtime()
    wrong = sum(_check_database(runtime, name) for name in runtime.settings.databases)
    wrong += _check_counters(runtime) if counters else 0
    with runtime.control() as session:
        ready = session.scalar(select(func.count()).select_from(Spare).where(Spare.state == "ready")) or 0
    click.echo(f"{ready} of {runtime.settings.spares} spares are ready.")
    click.echo("All is well." if not wrong else f"{wrong} things are wrong.")
    sys.exit(1 if wrong else 0)


def _check_database(runtime: Runtime, name: str) -> int:
    with runtime.control() as session:
        placed = session.scalars(select(Placement.schema_name).where(Placement.database == name).distinct()).all()
    with migrator(admin_url(name)) as connection:
        connection.execute("BEGIN; SET LOCAL ROLE terrace_owner")
        try:
            found = inspect(connection, placed) + clocks(connection)
            # Tests give their servers up; everybody else means to keep what was confirmed.
            found += durability(connection) if runtime.settings.env != "test" else []
        except psycopg.Error as error:
            raise click.ClickException(f"the catalog cannot be read: {type(error).__name__}") from error
        connection.execute("ROLLBACK")
    where = "" if name == "main" else f"{name}  "
    for finding in found:
        click.echo(f"WRONG  {where}{finding.check}: {finding.where} {finding.what}")
    return len(found)


def _check_counters(runtime: Runtime) -> int:
    wrong = 0
    with runtime.control() as session:
        ids = session.scalars(select(TenantRecord.id).where(TenantRecord.status == "active")).all()
    for tenant_id in ids:
        with runtime.tenant(tenant_id) as ctx:
            for metric, (counter, actual) in recount(ctx).items():
                wrong += 1
                click.echo(f"WRONG  counters: {ctx.tenant.slug} {metric} says {counter}, the rows say {actual}")
    return wrong
