"""Bring the whole installation to the head of both histories: control and desk, pools, dedicated schemas, spares.

Every database has a control and a desk schema of its own: the version row of a schema commits with its DDL, so both
are in one database. The journal is in `main`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tenants.bootstrap import OWNER
from tenants.databases import sqlalchemy_url
from tenants.history import TENANT_HISTORY, History, upgrade_control
from tenants.migration.journal import Journal, alone, journal
from tenants.migration.options import Options, Report, Silent, Watch
from tenants.migration.plan import Plan, make_plan, ready_spares, survey
from tenants.migration.waves import Run
from tenants.schemas import create_schema, migrator

# Each round finds what was made during the one before; whoever makes schemas faster than this is not stopped by us.
_ROUNDS = 10


def migrate_all(
    admin_url: str,
    *,
    pools: int,
    database: str = "main",
    history: History = TENANT_HISTORY,
    options: Options | None = None,
    watch: Watch | None = None,
) -> Report:
    """Migrate one database whole; missing pools are made. Safe to run again after any interruption."""
    return migrate_fleet({database: admin_url}, pools=pools, history=history, options=options, watch=watch)


def plan_fleet(
    urls: Mapping[str, str], *, pools: int, history: History = TENANT_HISTORY, options: Options | None = None
) -> Plan:
    """Return what a run over the databases would do; one query a database, nothing is changed."""
    found = survey(urls)
    plan = make_plan(found, history=history, pools=pools, options=options or Options())
    if not plan.waves:
        return plan
    with migrator(_first(urls)) as connection:
        spares = ready_spares(connection)
    return make_plan(found, history=history, pools=pools, options=options or Options(), spares=spares)


def migrate_fleet(
    urls: Mapping[str, str],
    *,
    pools: int,
    history: History = TENANT_HISTORY,
    options: Options | None = None,
    watch: Watch | None = None,
) -> Report:
    """Migrate the databases, of which `main` keeps the journal; each gets `pools` pools.

    Raises AnotherRun when one is at work for longer than the options' patience.
    """
    options, watch = options or Options(), watch or Silent()
    plan = plan_fleet(urls, pools=pools, history=history, options=options)
    if plan.is_empty:
        return _report(plan)
    first = _first(urls)
    with alone(first, patience=options.patience, watch=watch):
        for name in plan.control:
            _migrate_control(urls[name])
        with journal(first, history.head) as written:
            return _migrate(urls, pools, history, options, watch, written)


def _first(urls: Mapping[str, str]) -> str:
    """Return the address of the database that keeps the journal."""
    return urls["main"] if "main" in urls else next(iter(urls.values()))


def _report(plan: Plan) -> Report:
    return Report(plan.head, unchanged=plan.unchanged, ahead=list(plan.ahead))


def _migrate(
    urls: Mapping[str, str], pools: int, history: History, options: Options, watch: Watch, written: Journal
) -> Report:
    # Another run may have ended while this one waited, so the plan is made anew.
    plan = plan_fleet(urls, pools=pools, history=history, options=options)
    _make_pools(urls, plan, history)
    report = _report(plan)
    state, reason = "interrupted", "the run was cut short"
    try:
        for _ in range(_ROUNDS):
            watch.planned(plan)
            Run(urls, plan, report, journal=written, options=options, watch=watch).work_through()
            if not report.complete:
                break
            # Tenants that came meanwhile, made by a process of the release before.
            plan = plan_fleet(urls, pools=0, history=history, options=options)
            if not plan.waves:
                break
        state = "stopped" if report.stopped else "failed" if report.failed else "succeeded"
        reason = report.stopped or (f"{len(report.failed)} schemas failed" if report.failed else "")
    finally:
        written.end(state, reason)
    return report


def _make_pools(urls: Mapping[str, str], plan: Plan, history: History) -> None:
    for database, name in plan.new_pools:
        with migrator(urls[database]) as connection:
            create_schema(connection, name, database=database, history=history)


def _migrate_control(admin_url: str) -> None:
    engine = create_engine(sqlalchemy_url(admin_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS control"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS desk"))
        upgrade_control(connection)
