"""A sales file brought in by the real job: read, checked, written in batches, reported."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import UUID

from app.files import service as files
from app.files.gateway import file_store
from app.imports import loading, service
from app.imports.models import ImportRun
from app.kit.desk import Job
from benchmarks.figures import Figure
from benchmarks.site import Site
from tenants.runner import Runner
from tenants.tenant import Tenant

LINES = 8_000
_TIMES = 3
_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
_WORDS = ("RED", "BLUE", "WOODEN", "LANTERN", "MUG", "HEART", "T-LIGHT", "HOLDER", "SET OF 6", "TIN", "VINTAGE", "BAG")
_COUNTRIES = ("United Kingdom",) * 8 + ("France", "Germany", "EIRE")


def run(site: Site) -> list[Figure]:
    """Import the file into fresh tenants; rows are lines of the file."""
    rates = []
    for _ in range(_TIMES):
        tenant, _owner = site.tenant("enterprise")
        rates.append(LINES / bring_in(site, tenant))
    return [Figure(f"import of a sales file, {LINES:,} lines", median(rates), "rows/s")]


def bring_in(site: Site, tenant: Tenant) -> float:
    """Import a sales file into `tenant` and return how many seconds the job took."""
    job_id = _start(site, tenant, sales_file(LINES).encode())
    began = time.perf_counter()
    work_off(site)
    taken = time.perf_counter() - began
    with site.runtime.tenant(tenant) as ctx:
        job = ctx.db.get_one(Job, (tenant.id, job_id))
        if job.state != "succeeded":
            raise AssertionError(f"the import ended as {job.state}: {job.error}")
    return taken


def work_off(site: Site) -> None:
    """Run what waits in the queue of long jobs, in this process."""
    runner = Runner(site.worker_runtime)
    while runner.work_shift("bulk"):
        pass


def _start(site: Site, tenant: Tenant, content: bytes) -> UUID:
    with tempfile.TemporaryDirectory(prefix="terrace-bench-") as folder:
        path = Path(folder) / "sales.csv"
        path.write_bytes(content)
        _, header, rows = loading.preview(path)
    with site.runtime.tenant(tenant) as ctx:
        file = files.register(ctx, class_="import", name="sales.csv", media_type="text/csv")
        stored = file_store(site.settings).put(file.key, [content], media_type="text/csv")
        files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        run = service.draft(ctx, resource="orders", incoming=service.Incoming(file.id, "sales.csv", header, rows))
        started: ImportRun = service.start(ctx, run_id=run.id, mapping=run.mapping, options={}, dry_run=False)
        if started.job_id is None:
            raise AssertionError("the import was not started")
        return started.job_id


def sales_file(lines: int) -> str:
    """Return a file as tills write them: twenty lines an invoice, a few thousand articles, some postage."""
    dice = random.Random(1966)
    articles = [
        (f"{20_000 + number}", " ".join(dice.sample(_WORDS, 3)), f"{dice.randrange(19, 1_500) / 100:.2f}")
        for number in range(2_500)
    ]
    found, invoice, left, head = [_HEADER], 536_000, 0, ""
    for number in range(lines):
        if left == 0:
            invoice, left = invoice + 1, dice.randrange(1, 40)
            day = f"2010-12-{1 + number * 22 // lines:02d} {dice.randrange(8, 18):02d}:{dice.randrange(60):02d}:00"
            head = f"{day}|{dice.randrange(12_346, 18_287)}.0,{dice.choice(_COUNTRIES)}"
        left -= 1
        day, _, customer = head.partition("|")
        code, words, price = ("POST", "POSTAGE", "18.00") if dice.random() < 0.01 else dice.choice(articles)
        found.append(f"{invoice},{code},{words},{dice.randrange(1, 25)},{day},{price},{customer}")
    return "\n".join(found) + "\n"
