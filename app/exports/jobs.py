"""The export as a job: count, then read by COPY into a file on disk, which is stored while it grows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from app.exports import queries, service
from app.exports.links import present
from app.exports.models import ExportRun
from app.exports.streams import CONVERTED, KINDS, copy_statement, spool, to_parquet, to_workbook
from app.exports.upload import Upload
from app.files import service as files
from app.files.errors import StoreUnreachable
from app.files.gateway import FileStore, file_store
from app.files.models import FileObject
from app.kit.jobs.registry import JobSpec
from tenants.work import Work

_READ = 0.8
_TELL_AFTER = 1.0
_SHEETS = {"products": "Products", "orders": "Orders", "order_lines": "Order lines"}


def run(ctx: None, work: Work, *, run_id: str) -> dict[str, Any]:
    """Make one export."""
    work.progress(0.0, "Counting rows")
    with tempfile.TemporaryDirectory(prefix="terrace-export-") as folder:
        made = Path(folder) / "export"
        export, file, store = _register(work, UUID(run_id))
        with Upload(store, file, made) as upload:
            rows = _read(work, export, made)
            work.progress(_READ, "Storing the file")
            try:
                stored = upload.finish()
            except StoreUnreachable:
                work.beat(step="The file store does not answer. The work goes on when it does.")
                raise
    with work.transaction() as end:
        files.finish(end, file_id=file.id, size=stored.size, sha256=stored.sha256)
        service.finish(end, run_id=export.id, file_id=file.id, rows=rows)
    return {
        "export_id": str(export.id),
        "resource": export.resource,
        "format": export.format,
        "rows": rows,
        "bytes": stored.size,
        "file_name": file.name,
        "page_url": "/exports",
    }


def _register(work: Work, run_id: UUID) -> tuple[ExportRun, FileObject, FileStore]:
    with work.transaction() as ctx:
        export = queries.get_run(ctx, run_id=run_id)
        kind = KINDS[export.format]
        name = f"{ctx.tenant.slug}-{export.resource.replace('_', '-')}-{ctx.now:%Y-%m-%d}.{kind.suffix}"
        file = files.register(ctx, class_="export", name=name, media_type=kind.media_type, encoding=kind.encoding)
        return export, file, file_store(ctx.runtime.settings)


def _read(work: Work, export: ExportRun, made: Path) -> int:
    """Write the rows into the file `made` and return their number."""
    converts = export.format in CONVERTED
    raw = made.with_suffix(".csv")
    source = queries.SOURCES[export.resource]
    read_share = _READ / 2 if export.format == "xlsx" else _READ
    with work.transaction() as ctx:
        values = queries.parameters(ctx.tenant.id, export.filters)
        total = _count(ctx, queries.count_sql(source, export.filters), values)
        tell = _teller(work, total, 0.0, read_share, "Reading")
        query = queries.select_sql(source, export.filters, export.format)
        statement = copy_statement(query, export.format)
        count = spool(ctx, statement, values, raw if converts else made, compress=not converts, tell=tell)
    if export.format == "parquet":
        work.progress(_READ, "Writing Parquet")
        to_parquet(raw, made, source.columns)
    elif export.format == "xlsx":
        tell = _teller(work, total, read_share, _READ, "Writing")
        to_workbook(raw, made, source.columns, name=_SHEETS[export.resource], tell=tell)
    return count - (0 if export.format == "ndjson" else 1)


def _teller(work: Work, total: int, start: float, end: float, doing: str) -> Callable[[int], None]:
    """Return what tells of rows, from `start` to `end` of the bar."""
    told_at = time.monotonic()

    def tell(rows: int) -> None:
        nonlocal told_at
        work.check()
        # A page looks every two seconds; telling more often would slow the reading down for nobody.
        if time.monotonic() - told_at < _TELL_AFTER:
            return
        told_at = time.monotonic()
        work.progress(start + (end - start) * min(rows / max(total, 1), 1.0), f"{doing} rows, {rows:,} of {total:,}")

    return tell


def _count(ctx: Any, statement: str, values: dict[str, Any]) -> int:
    found = ctx.db.connection().exec_driver_sql(statement, values)
    return int(found.scalar_one())


SPEC = JobSpec(
    service.JOB, run, queue="bulk", transaction="many", timeout=1800, max_attempts=8, title="Export", present=present
)
