"""Who can be killed or frozen: the processes of one installation, found by what they are."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from stack.process import Process
from tests.chaos.site import Site


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has started."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def family(pid: int) -> list[int]:
    """Return `pid` and all that came from it."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Send a signal; say whether there was anybody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class Victims:
    """The processes of one installation, by name."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def web(self) -> list[int]:
        """Return the processes that answer requests."""
        return [pid for pid in children(_pid(self._site.web.process)) if _serves(pid)]

    def relay(self) -> list[int]:
        """Return the relay: the only child of the supervisor with threads."""
        return [pid for pid in self._background() if len(os.listdir(f"/proc/{pid}/task")) > 2]

    def foremen(self) -> list[int]:
        """Return the processes that fork work-horses."""
        relay = self.relay()
        return [pid for pid in self._background() if pid not in relay]

    def horses(self) -> list[int]:
        """Return the work-horses that are at work now."""
        return [horse for foreman in self.foremen() for horse in children(foreman)]

    def backends(self) -> list[int]:
        """Return the PostgreSQL processes that serve the application."""
        with self._site.superuser() as connection:
            found = "SELECT pid FROM pg_stat_activity WHERE usename IN ('terrace_app', 'terrace_worker')"
            return [pid for (pid,) in connection.execute(found).fetchall()]

    def postmaster(self) -> int:
        """Return the first of the PostgreSQL processes."""
        with self._site.superuser() as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            return _parent(row[0])

    def valkey(self) -> int:
        """Return the Valkey server."""
        return _pid(self._site.valkey.process)

    def s3(self) -> int:
        """Return the S3 server."""
        return _pid(self._site.s3.process)

    def _background(self) -> list[int]:
        return [pid for pid in children(_pid(self._site.worker.process)) if _alive(pid)]


def _pid(process: Process) -> int:
    assert process.pid is not None
    return process.pid


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _serves(pid: int) -> bool:
    # Python's own helper that tracks shared resources is a child as well, and answers nobody.
    with suppress(OSError):
        return _alive(pid) and b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
