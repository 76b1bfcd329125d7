"""Time: ours for the edges, where services take `ctx.now`; and how far it is from the database's."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from prometheus_client import Gauge

log = logging.getLogger(__name__)

# More than this between a process and the database is an operator's business (seconds).
TOLERABLE = 5.0
# How often to say so (seconds).
EVERY = 60.0
_SKEW = Gauge("terrace_clock_skew_seconds", "How far the clock of this process is ahead of the database's.")
_said_at = float("-inf")


def utcnow() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


def skew(asked: datetime, told: datetime, heard: datetime) -> float:
    """Return how many seconds this clock is ahead of one that `told` its time between two instants of ours."""
    if told < asked:
        return (asked - told).total_seconds()
    return min(0.0, (heard - told).total_seconds())


def compare(asked: datetime, told: datetime) -> datetime:
    """Return what the database told, and raise the alarm when its clock and ours are too far apart."""
    global _said_at
    ahead = skew(asked, told, utcnow())
    _SKEW.set(ahead)
    if abs(ahead) > TOLERABLE and time.monotonic() - _said_at > EVERY:
        _said_at = time.monotonic()
        log.error("The clocks of this machine and the database differ", extra={"seconds_ahead": round(ahead, 1)})
    return told
