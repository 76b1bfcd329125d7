"""The background processes with the jobs of the tests; started as a program by `processes.py`."""

from __future__ import annotations

import os
import sys
from functools import partial

from config.logging import configure_logging
from config.settings import Settings
from tenants.supervisor import Supervisor
from tests.jobs.engine.house import build

if __name__ == "__main__":
    configure_logging("WARNING")
    sys.exit(Supervisor(partial(build, Settings.from_env(os.environ)), int(os.environ.get("WORKERS", "2"))).run())
