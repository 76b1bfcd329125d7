"""The walls around a work-horse: so much memory and no more, and nothing of it that outlives it."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress


def confine_memory(megabytes: int) -> None:
    """Let this process have so much memory of its own (0: any amount); what it asks for beyond is a MemoryError."""
    if megabytes:
        # Not RLIMIT_AS: libraries set large addresses aside that they never use.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, most))


def lift_memory_limit() -> None:
    """Take the limit back, so that a process that met it can still say so."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def end_group_of(leader: int) -> None:
    """Wait for the end of our child `leader`, then end what it started; it is left to be reaped.

    Until then no other process can have its number, so that the signal goes to nobody else.
    """
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
