"""One additive release over all schemas: a column and an index, by the migration that `flask tenants migrate` runs.

The run is a process of its own, `python -m benchmarks.scale.fanout FOLDER`, and requests go on beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.client import Answer
from benchmarks.figures import Figure
from benchmarks.site import Site
from benchmarks.workers import CHECKOUT
from config.settings import Settings
from tenants.history import TENANT_HISTORY, History
from tenants.migrate import migrate_fleet, plan_fleet

_REVISION = '''"""A column and an index, to be measured."""

from alembic import op

from tenants.migration.declared import ConcurrentIndex

revision, down_revision, branch_labels, depends_on = "9001", "{down}", None, None


def upgrade():
    op.execute("ALTER TABLE product ADD COLUMN touched bigint DEFAULT 0 NOT NULL")


def concurrently():
    return [ConcurrentIndex("ix_product_touched", "product", ("tenant_id", "touched"))]
'''


# A request beside the run against one without it, and how long the quiet is listened to (seconds).
BESIDE, QUIET = 2.0, 10.0
# Requests come no faster than this: what is measured is that nobody waits, not how much can be done at once (seconds).
PAUSE = 0.01

Ask = Callable[[], Answer]


def run(site: Site, asks: list[Ask]) -> list[Figure]:
    """Move every schema one revision further while `asks` are sent, and look again when there is nothing left to do."""
    _send(asks, seconds=QUIET / 4)
    quiet, failed = _send(asks, seconds=QUIET)
    with tempfile.TemporaryDirectory(prefix="terrace-scale-") as folder:
        (Path(folder) / "9001_measured.py").write_text(_REVISION.format(down=TENANT_HISTORY.head))
        command = [sys.executable, "-m", "benchmarks.scale.fanout", folder]
        with subprocess.Popen(command, cwd=CHECKOUT, env=site.env, stdout=subprocess.PIPE, text=True) as process:
            beside, failed_beside = _send(asks, process=process)
            said = process.communicate()[0]
    if process.returncode:
        raise AssertionError("the run did not end")
    found = json.loads(said)
    moved, p99 = int(found["moved"]), (_p99(quiet), _p99(beside))
    return [
        Figure(f"a column and an index in {moved:,} schemas, pools among them", found["taken"], "s"),
        Figure("the same for one schema on average", 1000 * found["taken"] / moved, "ms"),
        Figure(f"finding {moved:,} schemas at the head", found["looked"] * 1000, "ms"),
        Figure(f"a request beside that run, p99 of {len(beside):,}", p99[1], "ms", p99[0], p99[1] / p99[0], BESIDE),
        Figure("requests that failed beside that run", failed + failed_beside, "", bound=0),
    ]


def _send(
    asks: list[Ask], *, seconds: float = float("inf"), process: subprocess.Popen[str] | None = None
) -> tuple[list[float], int]:
    """Send one after the other, for so long or until the process ends; return what each took, and how many failed."""
    ends, took, failed = time.monotonic() + seconds, [], 0
    for ask in cycle(asks):
        began = time.monotonic()
        if began >= ends or (process is not None and process.poll() is not None):
            break
        failed += ask().status >= 400
        took.append(time.monotonic() - began)
        time.sleep(PAUSE)
    return took, failed


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)] * 1000


def move(settings: Settings, folder: Path) -> Mapping[str, Any]:
    """Move every schema to the revision in `folder`, and look once more."""
    urls, pools = {"main": str(settings.database_admin_url)}, settings.pools
    history = History((*TENANT_HISTORY.folders, folder))
    began = time.perf_counter()
    report = migrate_fleet(urls, pools=pools, history=history)
    taken = time.perf_counter() - began
    if not report.complete:
        raise AssertionError(f"the run did not end: {report.stopped or report.failed}")
    began = time.perf_counter()
    plan = plan_fleet(urls, pools=pools, history=history)
    looked = time.perf_counter() - began
    if not plan.is_empty:
        raise AssertionError("something is left to do")
    return {"moved": len(report.moved), "taken": taken, "looked": looked}


if __name__ == "__main__":
    print(json.dumps(move(Settings.from_env(os.environ), Path(sys.argv[1]))))
