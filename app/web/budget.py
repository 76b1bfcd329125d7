"""A small allowance for things that strangers may trigger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Budget:
    """So many in a window of time, in this process; when they are spent, the next window must come first."""

    def __init__(self, number: int, *, per_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a full window."""
        self._number = number
        self._length = per_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._window = clock()
        self._spent = 0

    def take(self) -> bool:
        """Spend one; say False when none is left."""
        with self._lock:
            now = self._clock()
            if now - self._window >= self._length:
                self._window, self._spent = now, 0
            self._spent += 1
            return self._spent <= self._number
