"""Files: what is stored in the bucket, for whom, and until when."""

from __future__ import annotations

from app.files import jobs
from app.kit.module import Module

module = Module(name="files", jobs=[jobs.SWEEP], schedules=[jobs.EVERY_SIX_HOURS])
