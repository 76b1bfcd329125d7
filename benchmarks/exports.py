"""Exports by the real job, to the file store, beside a raw COPY of the same rows into a compressed file."""

from __future__ import annotations

import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import psycopg
from sqlalchemy import Table

from app.exports import queries, service
from app.exports.streams import copy_statement
from app.kit.db import TenantBase
from app.kit.desk import Job
from benchmarks.figures import Figure
from benchmarks.imports import bring_in, work_off
from benchmarks.rounds import compare
from benchmarks.site import Site
from tenants.tenant import Tenant

BOUND = 0.8
RESOURCE = "order_lines"
_COPIES = 24
_BATCH = 1 << 18


def run(site: Site) -> list[Figure]:
    """Measure the lines of all orders of a tenant, two hundred thousand; rates are rows a second."""
    tenant, _owner = site.tenant("enterprise")
    bring_in(site, tenant)
    site.write(lambda connection: _multiply(connection, tenant))
    site.analyze(tenant)
    rows = _export(site, tenant, "csv")
    with psycopg.connect(site.reader_url, autocommit=True) as connection:
        turns = compare(
            lambda: _raw_copy(connection, tenant),
            lambda: _export(site, tenant, "csv"),
            clock=time.perf_counter, count=1, rounds=5,
        )  # fmt: skip
    figures = [
        Figure(
            f"export of {rows:,} rows, CSV, gzip", rows / turns.measured, "rows/s", rows / turns.floor,
            1 / turns.ratio, BOUND, more=True,
        )
    ]  # fmt: skip
    for format_, name in (("ndjson", "NDJSON, gzip"), ("parquet", "Parquet, zstd")):
        taken = median(_seconds(partial(_export, site, tenant, format_)) for _ in range(2))
        figures.append(Figure(f"export of {rows:,} rows, {name}", rows / taken, "rows/s"))
    return figures


def _export(site: Site, tenant: Tenant, format_: str) -> int:
    """Export by the job and return how many rows it wrote."""
    with site.runtime.tenant(tenant) as ctx:
        job_id = service.start(ctx, resource=RESOURCE, format_=format_, filters={}).job_id
    work_off(site)
    with site.runtime.tenant(tenant) as ctx:
        job = ctx.db.get_one(Job, (tenant.id, job_id))
        if job.state != "succeeded" or job.result is None:
            raise AssertionError(f"the export ended as {job.state}: {job.error}")
        return int(job.result["rows"])


def _raw_copy(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    """Send the rows of the same query through the same compression into a file, and do nothing else."""
    query = queries.select_sql(queries.SOURCES[RESOURCE], {}, harmless=True)
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    buffer = bytearray()
    with tempfile.TemporaryFile() as file, connection.transaction(), connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL search_path = "{tenant.schema}"'.encode())
        with cursor.copy(copy_statement(query, "csv").encode(), queries.parameters(tenant.id, {})) as copy:
            for message in copy:
                buffer += message
                if len(buffer) > _BATCH:
                    file.write(squeeze.compress(buffer))
                    buffer.clear()
        file.write(squeeze.compress(buffer) + squeeze.flush())


def _multiply(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    """Copy all orders of the tenant, with their lines, several times over."""
    connection.execute(f'SET search_path = "{tenant.schema}"'.encode())
    again = {
        "id": "md5(x.id::text || n)::uuid",
        "order_id": "md5(x.order_id::text || n)::uuid",
        "number": "x.number + n * 1000000",
        "external_ref": "x.external_ref || '-' || n",
    }
    for name in ("sales_order", "order_line"):
        table: Table = TenantBase.metadata.tables[name]
        columns = [column.name for column in table.columns]
        values = ", ".join(again.get(column, f"x.{column}") for column in columns)
        source = f"{name} x, generate_series(1, {_COPIES}) n WHERE x.tenant_id = %s"
        connection.execute(
            f"INSERT INTO {name} ({', '.join(columns)}) SELECT {values} FROM {source}".encode(), [tenant.id]
        )


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
