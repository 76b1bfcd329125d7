"""The RQ worker: it listens, and forks one work-horse for each bell.

RQ would import and call whatever a job in Redis names: a function, callbacks, web addresses. Who can write to Redis
must not be able to run code here, so a job of ours is a bell and nothing else.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rq import Worker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from app.kit.jobs.bell import ENTRY
from app.kit.jobs.envelope import ForgedEnvelope
from app.kit.redis_client import connect
from tenants.confines import confine_memory, end_group_of
from tenants.runner import Runner
from tenants.runtime import Runtime

log = logging.getLogger(__name__)

# An idle worker looks at its own state every WORKER_TTL - 15 seconds.
WORKER_TTL = 25
MONITORING = 5
MAINTENANCE = 30
# How long a horse that was told to stop may take to give its job back (seconds).
GOODBYE = 5.0
# How long a horse may spend outside of jobs (seconds); each job brings its own limit.
BETWEEN_JOBS = 30.0


def summons(perform: Callable[..., object]) -> type[RqJob]:
    """Return the class of RQ jobs that can do one thing: call `perform`."""

    class Summons(RqJob):
        @property
        @override
        def func(self) -> Callable[..., object]:
            if self.func_name != ENTRY:
                log.error("A foreign job was refused")
                raise ForgedEnvelope("not a bell")
            return lambda **sealed: perform(sealed)

        @override
        def restore(self, raw_data: Any) -> Any:
            restored = super().restore(raw_data)
            self.webhooks = []
            self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
            return restored

    return Summons


class Foreman(Worker):
    """Listens to its queues; every job runs in a fresh fork of this process."""

    max_connection_wait_time = 2

    def __init__(self, runtime: Runtime, queues: Sequence[str]) -> None:
        """Connect to Redis, with waits long enough for a blocking read."""
        self._runtime = runtime
        self._runner = Runner(runtime)
        connection = connect(runtime.settings.redis_url, timeout=WORKER_TTL - 5)
        super().__init__(
            # By name: RQ then makes the queues with the class of jobs below, also where it cleans up.
            list(queues),
            connection=connection,
            serializer=JSONSerializer,
            job_class=summons(self._answer),
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=MONITORING,
            maintenance_interval=MAINTENANCE,
            log_job_description=False,
        )

    def warm_up(self) -> None:
        """Do once what every fork would do again: meet the database, compile the statements, settle the memory."""
        self._runtime.resolver.follows = False
        try:
            self._runner.rehearse()
        except SQLAlchemyError:
            log.warning("The database does not answer yet")
        # A connection must not be shared with the forks.
        self._runtime.databases.dispose()
        gc.collect()
        # Otherwise the collector of a fork would touch, and so copy, every page of what was loaded.
        gc.freeze()

    def _answer(self, sealed: Mapping[str, object]) -> None:
        # Nobody watches a work-horse between two jobs: one that hangs there must end by itself.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, BETWEEN_JOBS)
        try:
            self._runner.perform(sealed)
        except SQLAlchemyError:
            # RQ would write the error's text, which may carry values of rows, to the log and to Redis.
            log.exception("A bell could not be answered; the reconciler will ring again")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @override
    def handle_exception(self, job: Any, *exc_info: Any) -> None:
        """Note what went wrong in RQ's own part; the ledger knows how the job ended."""
        log.warning("A bell did not end well", exc_info=exc_info)

    @override
    def subscribe(self) -> None:
        """Listen to no commands: nobody gives any, and a thread here would be lost in the forks."""

    @override
    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    @override
    def main_work_horse(self, job: Any, queue: Any) -> None:
        self._runtime.databases.dispose(close=False)
        confine_memory(self._runtime.settings.job_memory_mb)
        super().main_work_horse(job, queue)

    @override
    def wait_for_horse(self) -> Any:
        end_group_of(self.horse_pid)
        return super().wait_for_horse()

    @override
    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Ask the horse to give its job back; kill it only when it does not."""
        pid = self.horse_pid
        if sig == signal.SIGKILL and pid and _told_to_stop(pid):
            return
        super().kill_horse(sig)


def _told_to_stop(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGTERM)
        ends_at = time.monotonic() + GOODBYE
        while time.monotonic() < ends_at:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return True
            time.sleep(0.02)
    except (ProcessLookupError, ChildProcessError):
        return True
    return False
