"""The background processes: `python worker.py` starts and watches them; `… jobs` or `… relay` is one of them.

WORKERS is the number of processes that run jobs (2). The supervisor loads the application once and forks the others, so
that they share its memory; one that dies is started again, and all end when the supervisor does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial

from app.factory import build_runtime
from app.kit.jobs.registry import QUEUES
from config.logging import configure_logging
from config.settings import Settings, SettingsError
from tenants.runtime import Runtime
from tenants.supervisor import Supervisor, run_jobs, run_relay

# A job's transaction, its heartbeat, its progress, and a look at the control schema.
CONNECTIONS = 4


def main(arguments: Sequence[str]) -> int:
    """Run what `arguments` name: nothing for all, or one of `jobs` and `relay`."""
    configure_logging()
    try:
        build = partial(_runtime, Settings.from_env(os.environ))
        workers = _workers()
    except SettingsError as error:
        return _say(str(error))
    match list(arguments):
        case []:
            return Supervisor(build, workers).run()
        case ["jobs"]:
            run_jobs(build, QUEUES)
        case ["relay"]:
            run_relay(build)
        case _:
            return _say("Use: python worker.py [jobs|relay]")
    return 0


def _runtime(settings: Settings) -> Runtime:
    return build_runtime(settings, as_worker=True, pool_size=CONNECTIONS)


def _workers() -> int:
    raw = os.environ.get("WORKERS") or "2"
    if not raw.isdecimal() or not 1 <= int(raw) <= 64:
        raise SettingsError(f"WORKERS is {raw!r}; it must be a whole number from 1 to 64.")
    return int(raw)


def _say(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
