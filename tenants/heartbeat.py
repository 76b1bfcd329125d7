"""What runs beside a job while it works: a thread that renews its lease, and an alarm that ends it."""

from __future__ import annotations

import logging
import signal
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
def stoppable(seconds: float) -> Iterator[None]:
    """Raise TimedOut inside the block after `seconds`, and Stopped at SIGTERM. Only for a process's main thread."""

    def raise_in_place(kind: type[Interrupted]) -> Any:
        def handler(number: int, frame: FrameType | None) -> None:
            raise kind

        return handler

    before_alarm = signal.signal(signal.SIGALRM, raise_in_place(TimedOut))
    before_term = signal.signal(signal.SIGTERM, raise_in_place(Stopped))
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before_alarm)
        signal.signal(signal.SIGTERM, before_term)
        # The process's own alarm stood still meanwhile.
        signal.setitimer(signal.ITIMER_REAL, left)
