"""Why a job stops before its end. None is an `Exception`: a job's own `except Exception` must not swallow it."""

from __future__ import annotations


class Interrupted(BaseException):
    """The job must stop now; its open transaction is rolled back."""


class LeaseLost(Interrupted):
    """Another worker has, or may have, the job by now: nothing more may be written under this claim."""


class Cancelled(Interrupted):
    """Somebody asked for the job to stop."""


class TimedOut(Interrupted):
    """The job ran longer than its declaration allows."""


class Stopped(Interrupted):
    """The worker is being shut down; the job goes back to the queue as if it had not been taken."""
