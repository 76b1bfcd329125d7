"""Slots of schedules: each at most once, and the newest that was missed is caught up with."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.kit.db import PLATFORM_ID
from app.kit.desk import Job
from app.kit.jobs.registry import Schedule
from tenants.runtime import Runtime
from tenants.scheduler import Scheduler, slot_of
from tests.jobs.engine.house import CLOCK

HOUR = timedelta(hours=1)
_days = iter(range(1, 1000))


@pytest.fixture
def start() -> datetime:
    """Return a time that no other test has used; slots are taken for good."""
    return datetime(2030, 1, 1, 12, 20, tzinfo=UTC) + timedelta(days=next(_days))


def runs(runtime: Runtime, start: datetime) -> int:
    """Return how many slots of the day of `start` were taken."""
    with runtime.platform() as session:
        query = select(func.count()).where(
            Job.tenant_id == PLATFORM_ID, Job.dedupe_key.startswith(f"slot:{CLOCK.name}:{start.date().isoformat()}")
        )
        return session.execute(query).scalar_one()


def test_a_slot_is_taken_once(runtime: Runtime, start: datetime) -> None:
    scheduler = Scheduler(runtime, [CLOCK])
    assert [scheduler.tick(start + timedelta(minutes=m)) for m in (0, 1, 39, 40, 41)] == [1, 0, 0, 1, 0]
    assert Scheduler(runtime, [CLOCK]).tick(start) == 0
    assert runs(runtime, start) == 2


def test_two_schedulers_take_each_slot_once(runtime: Runtime, start: datetime) -> None:
    schedulers = [Scheduler(runtime, [CLOCK]) for _ in range(4)]
    for hour in range(3):
        at = start + hour * HOUR
        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(lambda scheduler, at=at: scheduler.tick(at), schedulers)) == 1
    assert runs(runtime, start) == 3


def test_slots_missed_in_a_pause_are_one_run(runtime: Runtime, start: datetime) -> None:
    scheduler = Scheduler(runtime, [CLOCK])
    scheduler.tick(start)
    assert scheduler.tick(start + 5 * HOUR) == 1
    assert runs(runtime, start) == 2


def test_a_clock_that_jumps_takes_no_slot_twice_and_leaves_none_out(runtime: Runtime, start: datetime) -> None:
    scheduler = Scheduler(runtime, [CLOCK])
    jumps = random.Random(7)
    for minute in range(0, 6 * 60, 5):
        scheduler.tick(start + timedelta(minutes=minute + jumps.choice([-60, 0, 0, 60])))
    expected = {slot_of(CLOCK, start + timedelta(minutes=m)) for m in range(0, 6 * 60, 5)}
    assert len(expected) <= runs(runtime, start) <= len(expected) + 2


def test_summer_time_moves_no_slot() -> None:
    before, after = datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 1, tzinfo=UTC)
    assert slot_of(CLOCK, after) - slot_of(CLOCK, before) == HOUR


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("x", "house.quick", HOUR),
        Schedule("x", "house.unknown", HOUR),
        Schedule("x", "house.on_clock", timedelta(days=8)),
        Schedule("x", "house.on_clock", timedelta(milliseconds=1)),
    ],
)
def test_a_schedule_that_makes_no_sense_stops_the_start(runtime: Runtime, schedule: Schedule) -> None:
    with pytest.raises(ValueError, match="schedule x"):
        Scheduler(runtime, [schedule])
