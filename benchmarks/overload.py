"""`python -m benchmarks.overload`: what one tenant's flood costs another one, by requests and by jobs.

The noisy tenant has ten thousand jobs, fifty requests that wait for a lock, and twenty times its rate. The flood comes
from a process of its own; on a machine of two cores its clients cost the server as much as its requests do.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import select

from app.kit.desk import Job
from app.notifications.service import send_mail
from benchmarks.figures import Figure, table
from benchmarks.products import fill
from benchmarks.site import Person, Site
from benchmarks.workers import CHECKOUT, workers
from stack.folder import DataFolder
from stack.programs import Web
from tenants.tenant import Tenant

JOBS, SLOW, TIMES = 10_000, 50, 20
SECONDS = 20.0
PAUSE, JOB_PAUSE = 0.05, 0.5
REQUEST_BOUND, JOB_BOUND = 1.5, 2.0
_NOT_FOR_WEB = frozenset({"DATABASE_ADMIN_URL", "WORKER_DATABASE_URL"})


class Caller:
    """One kept connection of one person."""

    def __init__(self, port: int, host: str, token: str) -> None:
        self._headers = {"Host": f"{host}:{port}", "Authorization": f"Bearer {token}"}
        self._port = port
        # What the last answer said of when to come back.
        self.retry_after = ""
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, method: str, path: str, body: Any = None) -> int:
        """Send one request and return its status; 0 for none, which is told why."""
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            answer.read()
            self.retry_after = answer.headers.get("Retry-After", "")
        except (OSError, http.client.HTTPException) as error:
            sys.stderr.write(f"{method} {path} had no answer: {error!r}\n")
            self.close()
            return 0
        return answer.status


def run(site: Site) -> list[Figure]:
    """Measure a quiet tenant alone, then beside the flood."""
    (noisy, noise), (quiet, reader) = site.tenant("basic"), site.tenant("premium")
    fill(site, noisy, 5)
    fill(site, quiet, 500)
    with _web(site), workers(site):
        caller = Caller(site.settings.port, site.host(quiet), site.token(quiet, reader))
        _measure(site, quiet, caller, seconds=3)
        alone = _measure(site, quiet, caller, seconds=SECONDS / 2)
        with _flooded(site, noisy, noise):
            time.sleep(2)
            # The kept connection has been idle for too long meanwhile.
            caller.close()
            beside = _measure(site, quiet, caller, seconds=SECONDS)
    return [
        _figure("request of a quiet tenant beside a flood, p95", alone[0], beside[0], REQUEST_BOUND),
        _figure("job of a quiet tenant beside a flood, p95", alone[1], beside[1], JOB_BOUND),
    ]


def _figure(name: str, alone: float, beside: float, bound: float) -> Figure:
    return Figure(name, beside * 1000, "ms", alone * 1000, beside / alone, bound)


def _measure(site: Site, tenant: Tenant, caller: Caller, *, seconds: float) -> tuple[float, float]:
    """Return the 95th percentiles of a list and of a mail's way through the ledger, in seconds."""
    took, ids = [], []
    ends, next_job = time.monotonic() + seconds, 0.0
    while (now := time.monotonic()) < ends:
        if now >= next_job:
            ids += _enqueue(site, tenant, 1)
            next_job = now + JOB_PAUSE
        status = caller.send("GET", "/api/v1/products?limit=50")
        took.append(time.monotonic() - now)
        if status not in (200, 429):
            raise AssertionError(f"the quiet tenant was answered {status}")
        time.sleep(PAUSE)
    time.sleep(3)
    with site.worker_runtime.platform() as session:
        rows = session.execute(select(Job.created_at, Job.finished_at).where(Job.id.in_(ids))).all()
    # One that has not ended counts as if it ended now.
    dwell = [((done or rows[-1][0]) - made).total_seconds() if done else seconds for made, done in rows]
    return _p95(took), _p95(dwell)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _enqueue(site: Site, tenant: Tenant, count: int) -> list[uuid.UUID]:
    with site.runtime.tenant(tenant) as ctx:
        return [_mail(ctx) for _ in range(count)]


def _mail(ctx: Any) -> uuid.UUID:
    values = {"name": "Ada", "email": "ada@brook.example", "at": "today", "link": "http://localhost/"}
    return send_mail(ctx, to="ada@brook.example", template="password_changed", **values)


@contextlib.contextmanager
def _flooded(site: Site, tenant: Tenant, person: Person) -> Iterator[None]:
    """Flood while the block runs: jobs, requests behind a lock, and requests beyond the rate."""
    for _ in range(JOBS // 500):
        _enqueue(site, tenant, 500)
    address = [str(site.settings.port), site.host(tenant), site.token(tenant, person)]
    with _locked(site, tenant) as product:
        rate = str(tenant.tier.rate * TIMES)
        flood = subprocess.Popen([sys.executable, "-m", "benchmarks.overload", *address, product, rate], cwd=CHECKOUT)
        try:
            yield
        finally:
            flood.terminate()
            flood.wait()


@contextlib.contextmanager
def _locked(site: Site, tenant: Tenant) -> Iterator[str]:
    """Hold the lock of one product's row while the block runs; gives the product's id."""
    found: list[str] = []
    ready, end = threading.Event(), threading.Event()

    def hold(connection: psycopg.Connection[Any]) -> None:
        query = sql.SQL("SELECT id FROM {}.product WHERE tenant_id = %s ORDER BY id LIMIT 1 FOR UPDATE")
        with connection.transaction():
            row = connection.execute(query.format(sql.Identifier(str(tenant.schema))), [tenant.id]).fetchone()
            found.extend(map(str, row or ()))
            ready.set()
            end.wait()

    holder = threading.Thread(target=site.write, args=(hold,))
    holder.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        end.set()
        holder.join()


def flood(port: int, host: str, token: str, product: str, rate: float) -> None:
    """Send requests behind the lock from fifty connections, and so many reads a second from others, for ever."""
    seen: Counter[int] = Counter()

    def slow() -> None:
        caller = Caller(port, host, token)
        body = {"customer_email": "a@brook.example", "items": [{"product_id": product, "quantity": 1}]}
        while True:
            seen[caller.send("POST", "/api/v1/orders", body)] += 1
            time.sleep(0.2)

    def fast(share: float) -> None:
        caller = Caller(port, host, token)
        while True:
            seen[caller.send("GET", "/api/v1/products")] += 1
            time.sleep(1 / share)

    for number in range(SLOW + 8):
        threading.Thread(target=slow if number < SLOW else fast, args=() if number < SLOW else (rate / 8,)).start()
    while True:
        time.sleep(5)
        print(f"the flood was answered {dict(seen)}", flush=True)


@contextlib.contextmanager
def _web(site: Site) -> Iterator[None]:
    env = {name: value for name, value in site.env.items() if name not in _NOT_FOR_WEB}
    with tempfile.TemporaryDirectory(prefix="terrace-bench-") as folder:
        web = Web(DataFolder(Path(folder)), CHECKOUT, site.settings.port)
        try:
            web.start(env)
            web.wait_ready()
            yield
        finally:
            web.process.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        flood(int(sys.argv[1]), *sys.argv[2:5], float(sys.argv[5]))
    else:
        with Site() as made:
            print(table(run(made)))
