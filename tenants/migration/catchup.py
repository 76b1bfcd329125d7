"""Moves stragglers: schemas that a worker of the release before made after the fan-out had ended.

It begins nothing by itself. Only where the newest run brought everything to the head of this very release does it move
what is behind; a new release waits for `flask tenants migrate`.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.kit.jobs.registry import JobSpec, Schedule
from tenants.history import TENANT_HISTORY, History
from tenants.migrate import migrate_fleet
from tenants.migration.journal import AnotherRun
from tenants.migration.models import MigrationRun
from tenants.migration.options import Options
from tenants.runtime import Runtime

log = logging.getLogger(__name__)


def run(runtime: Runtime, work: Any) -> None:
    """Move what is behind, when the fleet as a whole has arrived."""
    catch_up(runtime, TENANT_HISTORY)


def catch_up(runtime: Runtime, history: History) -> None:
    """Move what is behind the head of `history`, when the newest run brought everything there."""
    urls = {name: urls.admin for name, urls in runtime.settings.databases.items() if urls.admin}
    if "main" not in urls or not _has_arrived(runtime, history.head):
        return
    try:
        report = migrate_fleet(
            urls, pools=runtime.settings.pools, history=history, options=Options(canary=0, patience=0)
        )
    except AnotherRun:
        return
    if report.moved:
        log.info("stragglers were moved", extra={"count": len(report.moved), "revision": report.head})
    for schema, reason in report.failed.items():
        log.error("a straggler could not be moved", extra={"schema": schema, "reason": reason})


def _has_arrived(runtime: Runtime, head: str) -> bool:
    newest = select(MigrationRun.state, MigrationRun.target).order_by(MigrationRun.started_at.desc()).limit(1)
    with runtime.control() as session:
        return session.execute(newest).first() == ("succeeded", head)


catch_up_job = JobSpec(
    "tenants.catch_up", run, queue="bulk", transaction="many", timeout=300, max_attempts=1, platform=True
)
catch_up_schedule = Schedule("catch_up", "tenants.catch_up", every=timedelta(minutes=1))
