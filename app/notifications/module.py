"""Messages to people."""

from __future__ import annotations

from app.kit.module import Module
from app.notifications import jobs

module = Module(name="notifications", jobs=[jobs.mail])
