"""Dedicated schemas made ahead of need, so that a sign-up claims one by assignment instead of waiting for DDL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.kit.ids import new_id
from app.kit.jobs.registry import JobSpec, Schedule
from tenants.models import Spare
from tenants.placement import roomiest
from tenants.runtime import Runtime
from tenants.schemas import create_schema, migrator


def build_schema(runtime: Runtime, name: str, database: str) -> None:
    """Make the dedicated schema `name` on `database` if it is not there."""
    with migrator(runtime.settings.databases[database].admin or "") as connection:
        create_schema(connection, name, database=database, distributed=runtime.settings.distributed)


def refill(runtime: Runtime, work: Any) -> None:
    """Make spares until as many are ready as the settings ask for, each where there is most room."""
    for _ in range(runtime.settings.spares):
        with runtime.control() as session:
            ready = session.scalar(select(func.count()).select_from(Spare).where(Spare.state == "ready")) or 0
            if ready >= runtime.settings.spares:
                return
            database = roomiest(session, runtime.settings)
        name = f"t_{new_id().hex}"
        build_schema(runtime, name, database)
        with runtime.control() as session:
            session.add(Spare(schema_name=name, role_name=name, database=database))


refill_job = JobSpec(
    "tenants.refill_spares", refill, queue="bulk", transaction="many", timeout=120, max_attempts=2, platform=True
)
refill_schedule = Schedule("refill_spares", "tenants.refill_spares", every=timedelta(minutes=1))
