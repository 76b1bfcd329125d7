"""What can go wrong with a job, by name."""

from __future__ import annotations

from app.kit.errors import Conflict


class JobEnded(Conflict):
    """The job is over; there is nothing to stop."""

    code, title = "job.ended", "This work has ended already"
