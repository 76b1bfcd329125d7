"""Starting, finding and killing the real background processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.jobs.engine.house import eventually

ROOT = Path(__file__).parents[3]


class Workers:
    """One supervisor with its children, and their work-horses."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def supervisor(self) -> int:
        """The process id of the supervisor."""
        return self._process.pid

    def children(self) -> list[int]:
        """Return the processes that run jobs, and the relay."""
        return _children(self.supervisor)

    def relay(self) -> int | None:
        """Return the relay: the only child with threads."""
        return next((pid for pid in self.children() if len(_tasks(pid)) > 2), None)

    def foremen(self) -> list[int]:
        """Return the processes that fork work-horses."""
        relay = self.relay()
        return [pid for pid in self.children() if pid != relay]

    def horses(self) -> list[int]:
        """Return the work-horses that are at work now."""
        return [horse for foreman in self.children() for horse in _children(foreman)]

    def stop(self, *, patience: float = 20) -> int:
        """Stop all in order and return the exit code."""
        self._process.terminate()
        return self._process.wait(patience)


@contextmanager
def running(env: dict[str, str], *, workers: int = 2) -> Iterator[Workers]:
    """Run the background processes; they and all that they forked are gone afterwards."""
    command = [sys.executable, "-m", "tests.jobs.engine.house_worker"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env, "WORKERS": str(workers)})
    house = Workers(process)
    try:
        eventually(lambda: len(house.children()) == workers + 1, within=20, what="the start of the processes")
        yield house
    finally:
        leftover = [*house.children(), *house.horses()]
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for pid in leftover:
            kill(pid)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Send a signal; say whether there was anybody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def is_stopped(pid: int) -> bool:
    """Say whether a process is frozen by SIGSTOP."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    return False


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and waits to be reaped does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(_tasks(pid))


def _tasks(pid: int) -> list[str]:
    with suppress(OSError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _tasks(pid):
        with suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found
