"""Makes exports in tenants of a test and reads them back from the store."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

from app.exports import service
from app.exports.models import ExportRun
from app.files import service as files
from app.files.gateway import file_store
from app.kit.desk import Job
from tests.world import House


def export(house: House, *, resource: str, format_: str = "csv", **filters: str) -> tuple[ExportRun, bytes]:
    """Make an export to its end and return it with the plain bytes of its file."""
    with house.ctx() as ctx:
        run_id = service.start(ctx, resource=resource, format_=format_, filters=filters).id
    house.world.drain()
    with house.ctx() as ctx:
        run = ctx.db.get_one(ExportRun, (ctx.tenant.id, run_id))
        job = ctx.db.get_one(Job, (ctx.tenant.id, run.job_id))
        assert job.state == "succeeded", (job.state, job.error)
        assert run.file_id is not None
        file = files.get_file(ctx, run.file_id, class_="export")
        content = b"".join(file_store(ctx.runtime.settings).read(file.key))
    return run, gzip.decompress(content) if file.encoding == "gzip" else content


def table(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a CSV."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
