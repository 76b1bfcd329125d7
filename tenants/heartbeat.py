"""What runs beside a job while it works: a thread that renews its lease, and alarms that end it."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.kit.jobs.interrupts import Interrupted, Stopped, TimedOut
from app.kit.jobs.ledger import HEARTBEAT
from tenants.work import Work

log = logging.getLogger(__name__)

# A job that does not end at its alarm, since it never comes back to Python or swallows everything, has this long left
# before its process ends under it (seconds).
DEAF = 10.0


@contextmanager
def beating(work: Work, *, every: float = HEARTBEAT) -> Iterator[None]:
    """Renew the lease of `work` from a thread with a connection of its own until the block ends."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            try:
                work.beat()
            except SQLAlchemyError:
                # Without the database nobody else can take the job either; the next beat tries again.
                log.warning("A heartbeat could not be written", extra={"job_id": str(work.job_id)})
            if work.interrupt is not None:
                return

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def stoppable(seconds: float, *, deaf: float = DEAF) -> Iterator[None]:
    """Raise TimedOut inside the block after `seconds`, and Stopped at SIGTERM. Only for a process's main thread.

    A block that goes on for `deaf` seconds more ends its whole process, which leaves its stack on standard error.
    """

    def raise_in_place(kind: type[Interrupted]) -> Any:
        def handler(number: int, frame: FrameType | None) -> None:
            raise kind

        return handler

    before_alarm = signal.signal(signal.SIGALRM, raise_in_place(TimedOut))
    before_term = signal.signal(signal.SIGTERM, raise_in_place(Stopped))
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    # By a thread that needs nothing of Python, so that no job can keep it from running.
    faulthandler.dump_traceback_later(seconds + deaf, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before_alarm)
        signal.signal(signal.SIGTERM, before_term)
        # The process's own alarm stood still meanwhile.
        signal.setitimer(signal.ITIMER_REAL, left)
