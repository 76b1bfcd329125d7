"""Jobs by the clock: each slot of a schedule is one row of the ledger, so that two schedulers cannot run it twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from app.kit.jobs.ledger import database_now
from app.kit.jobs.queueing import enqueue_platform
from app.kit.jobs.registry import JobRegistry, Schedule

if TYPE_CHECKING:
    from tenants.runtime import Runtime

log = logging.getLogger(__name__)

EVERY = 1.0
# Ended jobs are kept for longer than this; a slot's row must outlive its slot.
LONGEST = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(schedule: Schedule, now: datetime) -> datetime:
    """Return the start of the slot that `now` is in; counted from 1970 in UTC, so no summer time moves it."""
    return _EPOCH + (now - _EPOCH) // schedule.every * schedule.every


class Scheduler:
    """Puts each schedule's newest slot into the ledger. Slots missed while nothing ran are one run, not many."""

    def __init__(self, runtime: Runtime, schedules: Sequence[Schedule]) -> None:
        """Check the schedules.

        Raises ValueError for one that names no job of the platform, or that is too short or too long.
        """
        _check(schedules, runtime.jobs)
        self._runtime = runtime
        self._schedules = schedules
        self._seen: dict[str, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Schedule until `stop` is set; nothing that fails here ends the loop."""
        while not stop.is_set():
            try:
                self.tick()
            except SQLAlchemyError:
                log.exception("The scheduler could not work; it will try again")
            stop.wait(EVERY)

    def tick(self, now: datetime | None = None) -> int:
        """Enqueue what is due and return how many jobs that were; by the database's clock unless `now` is given."""
        if not self._schedules:
            return 0
        with self._runtime.platform() as session:
            at = now or database_now(session)
            slots = {s.name: slot_of(s, at) for s in self._schedules}
            due = [s for s in self._schedules if self._seen.get(s.name) != slots[s.name]]
            made = [
                enqueue_platform(
                    session,
                    self._runtime.jobs.get(schedule.kind),
                    now=at,
                    dedupe_key=f"slot:{schedule.name}:{slots[schedule.name].isoformat()}",
                )
                for schedule in due
            ]
        self._seen = slots
        return sum(job_id is not None for job_id in made)


def _check(schedules: Sequence[Schedule], jobs: JobRegistry) -> None:
    if len({s.name for s in schedules}) != len(schedules):
        raise ValueError("two schedules have one name")
    for schedule in schedules:
        if not timedelta(seconds=1) <= schedule.every <= LONGEST:
            raise ValueError(f"schedule {schedule.name} must repeat between a second and {LONGEST.days} days")
        try:
            platform = jobs.get(schedule.kind).platform
        except KeyError:
            platform = False
        if not platform:
            raise ValueError(f"schedule {schedule.name} needs a job of the platform")
