"""How soon the processes are there, and how much memory they keep."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from sqlalchemy import select

from app.kit.clock import utcnow
from app.kit.desk import Job
from app.kit.jobs.queueing import enqueue_platform
from benchmarks.figures import Figure
from benchmarks.products import PAGE, fill
from benchmarks.site import Site
from benchmarks.workers import CHECKOUT, children, wait_until, workers
from stack.folder import DataFolder
from stack.programs import Web
from tenants.spares import refill_job

_TIMES = 3
_WARM_UP = 300
# What web processes are not told.
_NOT_FOR_WEB = frozenset({"DATABASE_ADMIN_URL", "WORKER_DATABASE_URL"})
_IMPORT = "import time; began = time.perf_counter(); import app.factory; print(time.perf_counter() - began)"


def run(site: Site) -> list[Figure]:
    """Start each as `make run` does."""
    return [
        Figure("import of the application", median(_import() for _ in range(_TIMES)), "s"),
        *_web(site),
        *_workers(site),
    ]


def _import() -> float:
    said = subprocess.run([sys.executable, "-c", _IMPORT], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return float(said.stdout)


def _web(site: Site) -> list[Figure]:
    env = {name: value for name, value in site.env.items() if name not in _NOT_FOR_WEB}
    with tempfile.TemporaryDirectory(prefix="terrace-bench-") as folder:
        web = Web(DataFolder(Path(folder)), CHECKOUT, site.settings.port)
        began = time.perf_counter()
        try:
            web.start(env)
            web.wait_ready()
            taken = time.perf_counter() - began
            _warm_up(site)
            pid = web.process.pid or 0
            kept = [(_memory(child, "Rss"), _memory(child, "Pss")) for child in children(pid)]
        finally:
            web.process.stop()
    rss, pss = max(kept)
    return [
        Figure("web, start to first answer", taken, "s"),
        Figure(f"web worker after {_WARM_UP} requests, RSS", rss, "MB"),
        Figure(f"web worker after {_WARM_UP} requests, PSS", pss, "MB"),
    ]


def _warm_up(site: Site) -> None:
    """Ask the web server for lists, pages and a refusal, of a few tenants."""
    houses = [site.tenant(tier) for tier in ("basic", "premium", "enterprise")]
    asked = []
    for tenant, owner in houses:
        fill(site, tenant, 100)
        token = site.token(tenant, owner)
        asked += [
            (tenant, f"/api/v1/products?limit={PAGE}", {"Authorization": f"Bearer {token}"}),
            (tenant, "/api/v1/orders", {"Authorization": f"Bearer {token}"}),
            (tenant, "/signin", {}),
            (tenant, "/api/v1/products", {}),
        ]
    connection = http.client.HTTPConnection("127.0.0.1", site.settings.port, timeout=10)
    for number in range(_WARM_UP):
        tenant, path, headers = asked[number % len(asked)]
        connection.request("GET", path, headers={"Host": f"{site.host(tenant)}:{site.settings.port}", **headers})
        connection.getresponse().read()
        # Below the rate of the smallest plan.
        time.sleep(0.005)
    connection.close()


def _workers(site: Site) -> list[Figure]:
    with site.runtime.control() as session:
        job_id = enqueue_platform(session, refill_job, now=utcnow())

    def is_done() -> bool:
        with site.worker_runtime.platform() as session:
            return session.scalar(select(Job.state).where(Job.id == job_id)) == "succeeded"

    began = time.perf_counter()
    with workers(site) as process:
        wait_until(is_done)
        taken = time.perf_counter() - began
        everybody = [process.pid, *children(process.pid)]
        kept = sum(_memory(pid, "Pss") for pid in everybody)
    return [
        Figure("worker.py, start to first job done", taken, "s"),
        Figure(f"worker.py, {len(everybody)} processes together, PSS", kept, "MB"),
    ]


def _memory(pid: int, kind: str) -> float:
    """Return what `pid` keeps, in megabytes: resident ("Rss"), or with shared pages shared out ("Pss")."""
    found = re.search(rf"^{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
