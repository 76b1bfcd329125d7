"""The background processes: those that run jobs, the relay with its companions, and the supervisor over them."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType

from app.kit.jobs.registry import QUEUES
from config.logging import bind_log_fields
from tenants.horse import Foreman
from tenants.reconciler import Reconciler
from tenants.relay import Relay
from tenants.runtime import Runtime
from tenants.scheduler import Scheduler

log = logging.getLogger(__name__)

# A stop waits this long for running jobs, then has them given back, then kills what is left (seconds).
GRACE, GIVE_BACK, KILL = 8.0, 6.0, 1.0
# A child that dies at once is not started again at once.
TOO_SOON = 5.0
PAUSE = 1.0
POLL = 0.1
# Half of the processes keep off the long jobs, so that a sign-up never waits for an import to end; the others look for
# them first, so that a flood of small jobs does not keep an import waiting.
_SHORT, _LONG = ("urgent", "default"), ("urgent", "bulk", "default")
_PR_SET_PDEATHSIG = 1


def run_jobs(build: Callable[[], Runtime], queues: Sequence[str]) -> None:
    """Run jobs of `queues` until SIGTERM; a running job is finished first."""
    bind_log_fields(role="jobs")
    foreman = Foreman(build(), queues)
    foreman.warm_up()
    foreman.work(logging_level="WARNING")


def run_relay(build: Callable[[], Runtime]) -> None:
    """Relay, reconcile and schedule until SIGTERM."""
    bind_log_fields(role="relay")
    runtime = build()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    loops = (Relay(runtime).run, Reconciler(runtime).run, Scheduler(runtime, runtime.schedules).run)
    threads = [threading.Thread(target=loop, args=(stop,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            log.error("A loop of the relay has ended; the process ends with it")
            sys.exit(1)
    for thread in threads:
        thread.join(timeout=5)


class Supervisor:
    """Starts the processes, starts again what dies, and stops them all in order."""

    def __init__(self, build: Callable[[], Runtime], workers: int) -> None:
        self._tasks: dict[str, Callable[[], None]] = {"relay": partial(run_relay, build)}
        for number in range(workers):
            queues = QUEUES if workers == 1 else _SHORT if number % 2 == 0 else _LONG
            self._tasks[f"jobs-{number + 1}"] = partial(run_jobs, build, queues)
        self._children: dict[int, tuple[str, float]] = {}
        # Who is to be started again, and when.
        self._missing: dict[str, float] = {}
        self._stopping = False

    def run(self) -> int:
        """Watch until SIGTERM or SIGINT, then stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        for name in self._tasks:
            self._start(name)
        while not self._stopping:
            self._reap()
            time.sleep(POLL)
        self._stop(signal.SIGTERM, GRACE)
        self._stop(signal.SIGTERM, GIVE_BACK)
        self._stop(signal.SIGKILL, KILL)
        return 0

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, name: str) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = (name, time.monotonic())
            return
        code = 1
        try:
            _leash(parent)
            self._tasks[name]()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            log.exception("A process ended by an error", extra={"role": name})
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for name, started in self._ended():
            log.warning("A process has ended and is started again", extra={"role": name})
            now = time.monotonic()
            self._missing[name] = now + (PAUSE if now - started < TOO_SOON else 0)
        for name, at in list(self._missing.items()):
            if time.monotonic() >= at and not self._stopping:
                del self._missing[name]
                self._start(name)

    def _ended(self) -> list[tuple[str, float]]:
        gone = [pid for pid in self._children if os.waitpid(pid, os.WNOHANG)[0]]
        return [self._children.pop(pid) for pid in gone]

    def _stop(self, number: signal.Signals, patience: float) -> None:
        for pid in self._children:
            os.kill(pid, number)
        ends_at = time.monotonic() + patience
        while self._children and time.monotonic() < ends_at:
            self._ended()
            time.sleep(POLL / 4)


def _leash(parent: int) -> None:
    """End with the supervisor, even when that is killed; on systems without prctl only its orderly end is noticed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)
