"""Keeps password hashing to the cores there are, so that a flood of sign-ins cannot starve everything else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.kit.errors import TooManyRequests


class Bulkhead:
    """At most `slots` at once, and `queue` that wait for `patience` seconds."""

    def __init__(self, slots: int, *, queue: int, patience: float) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._waiting = threading.BoundedSemaphore(queue)
        self._patience = patience

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot.

        Raises TooManyRequests when the queue is full or the wait was too long.
        """
        if not self._slots.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._slots.release()

    def _wait(self) -> None:
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            if not self._slots.acquire(timeout=self._patience):
                raise _busy()
        finally:
            self._waiting.release()


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Many people sign in right now. Try again in a few seconds.", code="auth.busy", headers={"Retry-After": "3"}
    )


HASHING = Bulkhead(os.cpu_count() or 1, queue=16, patience=3.0)
