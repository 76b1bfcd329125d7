"""Dedicated schemas made ahead of need, so that a sign-up claims one by assignment instead of waiting for DDL."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.kit.clock import utcnow
from app.kit.ids import new_id
from app.kit.jobs.queueing import enqueue_platform
from app.kit.jobs.registry import JobSpec, Schedule
from tenants.errors import PlacementRefused
from tenants.models import Placement, Spare
from tenants.runtime import Runtime
from tenants.schemas import create_schema, migrator
from tenants.sessions import ControlSession

log = logging.getLogger(__name__)

# A backend keeps about 1.1 MB for each dedicated schema it has touched, and 3,000 schemas make 720,000 files.
WARN_AT = 2000
REFUSE_AT = 3000


def claim_spare(session: ControlSession) -> str | None:
    """Take a ready spare and return its schema name, or None when there is none. Asks for a new one."""
    ready = select(Spare).where(Spare.state == "ready").order_by(Spare.created_at).limit(1)
    spare = session.scalar(ready.with_for_update(skip_locked=True))
    if spare is None:
        return None
    spare.state, spare.claimed_at = "claimed", utcnow()
    enqueue_platform(session, refill_job, now=utcnow())
    return spare.schema_name


def build_schema(runtime: Runtime, name: str) -> None:
    """Make the dedicated schema `name` if it is not there.

    Raises PlacementRefused at the ceiling, or where this process has no migrator's address.
    """
    if not runtime.settings.database_admin_url:
        raise PlacementRefused("DATABASE_ADMIN_URL is not set for this worker, so it cannot make schemas.")
    with runtime.control() as session:
        check_ceiling(count_dedicated(session))
    with migrator(runtime.settings.database_admin_url) as connection:
        create_schema(connection, name)


def count_dedicated(session: ControlSession) -> int:
    """Return how many dedicated schemas the database holds, ready spares included."""
    placed = session.scalar(select(func.count()).select_from(Placement).where(Placement.isolation == "dedicated"))
    spare = session.scalar(select(func.count()).select_from(Spare).where(Spare.state == "ready"))
    return (placed or 0) + (spare or 0)


def check_ceiling(count: int) -> None:
    """Warn when a database nears the number of schemas it can carry.

    Raises PlacementRefused at the ceiling.
    """
    if count >= REFUSE_AT:
        raise PlacementRefused(f"This database holds {count} dedicated schemas; add a database.")
    if count >= WARN_AT:
        log.warning("dedicated schemas near the ceiling", extra={"count": count, "ceiling": REFUSE_AT})


def refill(runtime: Runtime, work: Any) -> None:
    """Make spares until as many are ready as the settings ask for."""
    for _ in range(runtime.settings.spares):
        with runtime.control() as session:
            ready = session.scalar(select(func.count()).select_from(Spare).where(Spare.state == "ready")) or 0
        if ready >= runtime.settings.spares:
            return
        name = f"t_{new_id().hex}"
        build_schema(runtime, name)
        with runtime.control() as session:
            session.add(Spare(schema_name=name, role_name=name))


refill_job = JobSpec(
    "tenants.refill_spares", refill, queue="bulk", transaction="many", timeout=120, max_attempts=2, platform=True
)
refill_schedule = Schedule("refill_spares", "tenants.refill_spares", every=timedelta(minutes=1))
