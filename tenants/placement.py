"""Where a new tenant's rows go: on which database, and there into which pool or dedicated schema."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import func, select

from app.kit.clock import utcnow
from config.settings import Settings
from tenants.errors import PlacementRefused
from tenants.models import Placement, Spare
from tenants.sessions import ControlSession

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A schema on a database."""

    database: str
    schema: str


def emptiest_pool(session: ControlSession, settings: Settings) -> Place:
    """Return the pool with the fewest tenants, of all databases."""
    counts = {
        Place(database, f"pool_{number:02d}"): 0
        for database in settings.databases
        for number in range(1, settings.pools + 1)
    }
    query = select(Placement.database, Placement.schema_name, func.count()).where(Placement.isolation == "pooled")
    for database, name, count in session.execute(query.group_by(Placement.database, Placement.schema_name)):
        if (place := Place(database, name)) in counts:
            counts[place] = count
    return min(counts, key=lambda place: (counts[place], place.database != "main", place.database, place.schema))


def claim_spare(session: ControlSession) -> Place | None:
    """Take a ready spare, or return None when there is none."""
    ready = select(Spare).where(Spare.state == "ready").order_by(Spare.created_at).limit(1)
    spare = session.scalar(ready.with_for_update(skip_locked=True))
    if spare is None:
        return None
    spare.state, spare.claimed_at = "claimed", utcnow()
    return Place(spare.database, spare.schema_name)


def roomiest(session: ControlSession, settings: Settings) -> str:
    """Return the database with the fewest dedicated schemas, of those in which this process can make one.

    Warns when even that one nears what a database can carry. Raises PlacementRefused at the ceiling, or where no
    migrator's address is known.
    """
    counts = {name: 0 for name, urls in settings.databases.items() if urls.admin}
    if not counts:
        raise PlacementRefused("DATABASE_ADMIN_URL is not set for this worker, so it cannot make schemas.")
    counts.update((name, count) for name, count in count_dedicated(session).items() if name in counts)
    chosen = min(counts, key=lambda name: (counts[name], name != "main", name))
    count = counts[chosen]
    if count >= settings.dedicated_limit:
        raise PlacementRefused(
            f"Every database holds {settings.dedicated_limit} dedicated schemas or more; name another in "
            "FURTHER_DATABASES."
        )
    if count >= settings.dedicated_warn:
        log.warning("dedicated schemas near the ceiling", extra={"count": count, "ceiling": settings.dedicated_limit})
    return chosen


def count_dedicated(session: ControlSession) -> dict[str, int]:
    """Return how many dedicated schemas each database holds, ready spares included."""
    placed = select(Placement.database, func.count()).where(Placement.isolation == "dedicated")
    spare = select(Spare.database, func.count()).where(Spare.state == "ready")
    counts: dict[str, int] = {}
    for query in (placed.group_by(Placement.database), spare.group_by(Spare.database)):
        for database, count in session.execute(query):
            counts[database] = counts.get(database, 0) + count
    return counts
