"""Background work as people see it: what runs for them, how far it is, and stopping it. And its broom."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.api import blp
from app.jobs.sweep import sweep
from app.jobs.views import jobs
from app.kit.jobs.registry import JobSpec, Schedule
from app.kit.module import Module

module = Module(
    name="jobs",
    api=[blp],
    web=[jobs],
    jobs=[JobSpec("jobs.sweep", sweep, queue="bulk", platform=True, timeout=300, max_attempts=3)],
    schedules=[Schedule("jobs.sweep", "jobs.sweep", every=timedelta(hours=1))],
    permissions={"jobs.read": "viewer", "jobs.read_all": "admin"},
)
