"""`flask tenants migrate` and `flask tenants drift`."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from tenants.drift import Drift, find_drift, repair, summary
from tenants.migrate import migrate_fleet, plan_fleet
from tenants.migration.journal import AnotherRun
from tenants.migration.options import Options, Report
from tenants.migration.plan import describe
from tenants.migration.progress import Progress
from tenants.terminal import admin_url, the_runtime


@click.command("migrate")
@with_appcontext
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, envvar="MIGRATION_WORKERS")
@click.option("--canary", type=click.IntRange(0), default=1, show_default=True, help="Schemas that go first, alone.")
@click.option("--wave", type=click.IntRange(1), default=100, show_default=True, help="Schemas in each wave after.")
@click.option("--budget", type=click.IntRange(0), default=3, show_default=True, help="Failures borne before a stop.")
@click.option("--pools", type=click.Choice(("first", "last")), default="last", show_default=True)
@click.option("--lock-timeout", type=click.IntRange(1, 1000), default=500, show_default=True, help="Milliseconds.")
def migrate_command(*, only_plan: bool, pools: str, **levers: int) -> None:
    """Bring control, desk, pools, dedicated schemas and spares of all databases to the newest revision."""
    settings = the_runtime().settings
    urls = {name: admin_url(name) for name in settings.databases}
    options = Options(pools_first=pools == "first", **levers)
    if only_plan:
        for line in describe(plan_fleet(urls, pools=settings.pools, options=options)):
            click.echo(line)
        return
    progress = Progress(sys.stdout)
    try:
        report = migrate_fleet(urls, pools=settings.pools, options=options, watch=progress)
    except AnotherRun as error:
        raise click.ClickException(str(error)) from error
    finally:
        progress.close()
    _tell(report)


def _tell(report: Report) -> None:
    click.echo(f"At {report.head}: {len(report.moved)} moved, {report.unchanged} were there already.")
    if report.ahead:
        click.echo(f"{len(report.ahead)} schemas stand at revisions of a newer release and stay as they are.")
    for name, reason in report.failed.items():
        click.echo(f"{name}  FAILED  {reason}", err=True)
    if report.stopped:
        click.echo(f"Stopped: {report.stopped}. Mend the cause and run it again; it goes on where it was.", err=True)
    if not report.complete:
        sys.exit(1)


@click.command("drift")
@with_appcontext
@click.option("--repair", "mend", is_flag=True, help="Make again what is missing, where that is safe.")
@click.option("--schema", default=None, help="Look at this one only.")
def drift_command(*, mend: bool, schema: str | None) -> None:
    """Compare every schema with a freshly built one; exit 1 when something differs and stays so."""
    left = 0
    found: dict[Drift, str] = {}
    for name in the_runtime().settings.databases:
        url = admin_url(name)
        for one in list(find_drift(url, database=name, schema=schema)):
            reason = repair(url, one) if mend else "--repair mends it" if one.remedy else "look at it"
            found[one] = reason
            left += 1 if reason else 0
            click.echo(f"{one.label}  →  {reason or 'mended'}")
    click.echo(summary(found))
    sys.exit(1 if left else 0)
