"""One run: canaries, then wave after wave with a few workers, until all is at the head or too much has failed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tenants.migration.journal import Journal
from tenants.migration.mover import GaveUp, Mover
from tenants.migration.options import Options, Report, Watch
from tenants.migration.plan import Plan, Target


class Run:
    """The moving of a plan's schemas."""

    def __init__(
        self, urls: Mapping[str, str], plan: Plan, report: Report, *, journal: Journal, options: Options, watch: Watch
    ) -> None:
        """Move nothing yet."""
        self._urls = urls
        self._plan = plan
        self._report = report
        self._journal = journal
        self._options = options
        self._watch = watch
        self._lock = threading.Lock()
        self._halted = threading.Event()
        self._movers = threading.local()

    def work_through(self) -> None:
        """Move wave after wave; the report says what became of each schema and why the run stopped, if it did."""
        with contextlib.ExitStack() as opened, ThreadPoolExecutor(self._options.workers) as pool:
            self._opened = opened
            try:
                for number, wave in enumerate(self._plan.waves):
                    self._journal.planned(number, wave)
                    list(pool.map(self._move, wave))
                    if not self._goes_on(is_canary=number == 0 and self._plan.has_canaries):
                        return
            except BaseException:
                # Ctrl-C included: the workers end what they are at, and begin nothing more.
                self._halted.set()
                raise

    def _goes_on(self, *, is_canary: bool) -> bool:
        failures = len(self._report.failed)
        if is_canary and failures:
            self._halt("a canary failed")
        elif failures > self._options.budget:
            self._halt(f"{failures} schemas failed, {self._options.budget} are borne")
        return not self._halted.is_set()

    def _halt(self, reason: str) -> None:
        self._report.stopped = self._report.stopped or reason
        self._halted.set()

    def _move(self, target: Target) -> None:
        if self._halted.is_set():
            return
        mover, started = self._mover(), time.monotonic()
        self._journal.step(target, "running")
        try:
            is_there = mover.bring_to_head(target)
        except GaveUp as error:
            self._failed(target, str(error), mover.attempts, time.monotonic() - started)
            return
        state = "succeeded" if is_there else "interrupted"
        self._journal.step(target, state, attempts=mover.attempts, seconds=time.monotonic() - started)
        if is_there:
            with self._lock:
                self._report.moved.append(target.label)
                self._watch.moved(target, time.monotonic() - started)

    def _failed(self, target: Target, reason: str, attempts: int, seconds: float) -> None:
        self._journal.step(target, "failed", attempts=attempts, seconds=seconds, reason=reason)
        with self._lock:
            self._report.failed[target.label] = reason
            self._watch.failed(target, reason)
            if len(self._report.failed) > self._options.budget:
                self._halt(f"{len(self._report.failed)} schemas failed, {self._options.budget} are borne")

    def _mover(self) -> Mover:
        """Return this thread's own mover; a connection belongs to one thread."""
        if not hasattr(self._movers, "own"):
            made = Mover(self._urls, self._plan, self._options, self._halted.is_set)
            with self._lock:
                self._movers.own = self._opened.enter_context(made)
        mover: Mover = self._movers.own
        return mover
