"""What is measured of a crowded installation."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import text

from benchmarks.client import Answer
from benchmarks.figures import Figure
from benchmarks.scale.crowd import Crowd
from benchmarks.site import Site
from stack import binaries
from tenants import databases as engine_module
from tenants.databases import Databases
from tenants.resolver import MAX_ENTRIES, Resolver
from tenants.schemas import create_schema, drop_schema, migrator
from tenants.sessions import TenantSession
from tenants.tenant import Tenant

_MIB = 1 << 20
# How many of the crowd come, by the law of Zipf, in the measurement of the resolver's memory of them.
VISITS = 40_000


def list_p50(ask: Callable[[], Answer], *, times: int = 600) -> float:
    """Return the median time of an answer, in microseconds, by the clock on the wall."""
    for _ in range(50):
        ask()
    return median(_timed(ask) for _ in range(times)) * 1e6


def provisioning_ms(site: Site, *, times: int = 15) -> float:
    """Return the median time in which a dedicated schema is made, in milliseconds; what was made is removed again."""
    names = [f"t_{uuid4().hex}" for _ in range(times)]
    with migrator(str(site.settings.database_admin_url)) as connection:
        taken = [_timed(lambda name=name: create_schema(connection, name)) for name in names]  # type: ignore[misc]
        for name in names:
            drop_schema(connection, name)
    return median(taken) * 1000


def backend_memory(site: Site, tenants: Iterable[Tenant], *, most: int) -> tuple[float, float]:
    """Visit every tenant over one connection that is replaced after `most` schemas; return the peak of its own memory
    and the time of a visit (MiB, milliseconds)."""
    before = engine_module.MAX_SCHEMAS_PER_CONNECTION
    engine_module.MAX_SCHEMAS_PER_CONNECTION = most
    databases = Databases({"main": site.settings.database_url}, pool_size=1)
    peak, taken = 0.0, []
    try:
        for number, tenant in enumerate(tenants):
            began = time.perf_counter()
            pid = _visit(databases, tenant)
            taken.append(time.perf_counter() - began)
            if number % 16 == 15:
                peak = max(peak, _private(pid))
    finally:
        databases.dispose()
        engine_module.MAX_SCHEMAS_PER_CONNECTION = before
    return peak, median(taken) * 1000


def _visit(databases: Databases, tenant: Tenant) -> int:
    with TenantSession(databases.engine(), tenant.binding) as session:
        for table in ("product", "sales_order", "order_line", "user_account", "workspace"):
            session.execute(text(f"SELECT count(*) FROM {table} WHERE tenant_id = :id"), {"id": tenant.id})
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def resolver(site: Site, crowd: Crowd) -> list[Figure]:
    """Let the crowd come by the law of Zipf and measure what the resolver remembers of it, and at what price."""
    found = Resolver(site.settings, site.runtime.databases, site.runtime.redis)
    found.follows = False
    people = range(1, crowd.pooled)
    weights = list(itertools.accumulate(1 / rank for rank in people))
    dice = random.Random(1)
    visits = dice.choices(people, cum_weights=weights, k=VISITS)
    began, before = time.perf_counter(), _rss()
    for number in visits:
        found.by_slug(f"crowd-{number}")
    taken = time.perf_counter() - began
    grown = (_rss() - before) / _MIB
    share = 100 * found.hits / (found.hits + found.misses)
    known = len(found._cache)
    return [
        Figure(f"resolver, {VISITS:,} visits by Zipf at full speed, hits", share, "%"),
        Figure("resolver, an answer on average", taken / VISITS * 1e6, "µs"),
        Figure(f"resolver, memory for {known:,} tenants (at most {MAX_ENTRIES:,})", grown, "MiB"),
    ]


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def dump(site: Site, tenant: Tenant) -> Figure:
    """Dump the schema of one dedicated tenant by `pg_dump`."""
    command = [str(binaries.postgres() / "pg_dump"), f"--dbname={site.reader_url}", f"--schema={tenant.schema}"]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return Figure("pg_dump of one dedicated tenant", median(_timed(run) for _ in range(3)), "s")


def catalog(site: Site) -> list[Figure]:
    """Return how large the catalog and the whole are, and how many relations there are."""
    found: dict[str, Any] = {}

    def look(connection: psycopg.Connection[Any]) -> None:
        for name, query in {
            "catalog": "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
            "WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 't')",
            "relations": "SELECT count(*) FROM pg_class",
            "files": "SELECT count(*) FROM pg_class WHERE relfilenode <> 0",
            "database": "SELECT pg_database_size(current_database())",
        }.items():
            found[name] = (connection.execute(query.encode()).fetchone() or (0,))[0]

    site.write(look)
    return [
        Figure("size of the catalogs", int(found["catalog"]) / _MIB, "MiB"),
        Figure("relations, indexes included", int(found["relations"]), ""),
        Figure("relations with a file of their own", int(found["files"]), ""),
        Figure("size of the whole database", int(found["database"]) / _MIB, "MiB"),
    ]


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
