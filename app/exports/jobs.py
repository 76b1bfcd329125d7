"""The export as a job: count, read by COPY into a file on disk, and only then, with no transaction open, store it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from app.exports import queries, service
from app.exports.links import present
from app.exports.models import ExportRun
from app.exports.streams import KINDS, chunks, copy_statement, spool, to_parquet
from app.files import service as files
from app.files.errors import StoreUnreachable
from app.files.gateway import file_store
from app.kit.jobs.registry import JobSpec
from tenants.work import Work

_READ = 0.8
_TELL_AFTER = 1.0


def run(ctx: None, work: Work, *, run_id: str) -> dict[str, Any]:
    """Make one export."""
    with tempfile.TemporaryDirectory(prefix="terrace-export-") as folder:
        made = Path(folder) / "export"
        export, rows = _read(work, UUID(run_id), made)
        try:
            return _store(work, export, rows, made)
        except StoreUnreachable:
            work.beat(step="The file store does not answer. The work goes on when it does.")
            raise


def _read(work: Work, run_id: UUID, made: Path) -> tuple[ExportRun, int]:
    """Write the rows into the file `made` and return the export with their number."""
    work.progress(0.0, "Counting rows")
    raw = made.with_suffix(".csv")
    with work.transaction() as ctx:
        export = queries.get_run(ctx, run_id=run_id)
        source = queries.SOURCES[export.resource]
        values = queries.parameters(ctx.tenant.id, export.filters)
        total = _count(ctx, queries.count_sql(source, export.filters), values)

        told_at = time.monotonic()

        def tell(rows: int) -> None:
            nonlocal told_at
            work.check()
            # A page looks every two seconds; telling more often would slow the reading down for nobody.
            if time.monotonic() - told_at < _TELL_AFTER:
                return
            told_at = time.monotonic()
            work.progress(_READ * min(rows / max(total, 1), 1.0), f"Reading rows, {rows:,} of {total:,}")

        query = queries.select_sql(source, export.filters, harmless=export.format == "csv")
        statement = copy_statement(query, export.format)
        is_parquet = export.format == "parquet"
        count = spool(ctx, statement, values, raw if is_parquet else made, compress=not is_parquet, tell=tell)
    if is_parquet:
        work.progress(_READ, "Writing Parquet")
        to_parquet(raw, made, source.columns)
    return export, count - (0 if export.format == "ndjson" else 1)


def _count(ctx: Any, statement: str, values: dict[str, Any]) -> int:
    found = ctx.db.connection().exec_driver_sql(statement, values)
    return int(found.scalar_one())


def _store(work: Work, export: ExportRun, rows: int, made: Path) -> dict[str, Any]:
    kind = KINDS[export.format]
    work.progress(_READ, "Storing the file")
    with work.transaction() as ctx:
        name = f"{ctx.tenant.slug}-{export.resource.replace('_', '-')}-{ctx.now:%Y-%m-%d}.{kind.suffix}"
        file = files.register(ctx, class_="export", name=name, media_type=kind.media_type, encoding=kind.encoding)
        store = file_store(ctx.runtime.settings)
    stored = store.put(file.key, chunks(made), media_type=kind.media_type, encoding=kind.encoding)
    with work.transaction() as ctx:
        files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        service.finish(ctx, run_id=export.id, file_id=file.id, rows=rows)
    return {
        "export_id": str(export.id),
        "resource": export.resource,
        "format": export.format,
        "rows": rows,
        "bytes": stored.size,
        "file_name": name,
        "page_url": "/exports",
    }


SPEC = JobSpec(
    service.JOB, run, queue="bulk", transaction="many", timeout=1800, max_attempts=8, title="Export", present=present
)
