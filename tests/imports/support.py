"""Brings files into tenants of a test the way a door does."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.files import service as files
from app.files.gateway import file_store
from app.imports import service, tables
from app.imports.models import ImportRun
from app.kit.desk import Job
from tests.world import House


def upload(house: House, content: bytes, *, resource: str, name: str = "file.csv", tmp: Path) -> UUID:
    """Store `content` and return the draft of its import."""
    path = tmp / "upload"
    path.write_bytes(content)
    looks = tables.looks(path)
    with house.ctx() as ctx:
        file = files.register(ctx, class_="import", name=name, media_type="text/csv")
        stored = file_store(ctx.runtime.settings).put(file.key, [content], media_type="text/csv")
        files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        incoming = service.Incoming.of(file.id, name, looks)
        return service.draft(ctx, resource=resource, incoming=incoming).id


def begin(
    house: House, run_id: UUID, *, dry_run: bool = False, mapping: dict[str, str] | None = None, **options: Any
) -> UUID:
    """Start a draft with the columns that were guessed, or others; return the id of its job."""
    with house.ctx() as ctx:
        run = ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id))
        run = service.start(ctx, run_id=run_id, mapping=mapping or run.mapping, options=options, dry_run=dry_run)
        assert run.job_id is not None
        return run.job_id


def bring_in(house: House, content: bytes, *, resource: str, tmp: Path, dry_run: bool = False, **options: Any) -> Any:
    """Import `content` to its end and return the finished run."""
    run_id = upload(house, content, resource=resource, tmp=tmp)
    job_id = begin(house, run_id, dry_run=dry_run, **options)
    house.world.drain()
    with house.ctx() as ctx:
        job = ctx.db.get_one(Job, (ctx.tenant.id, job_id))
        assert job.state == "succeeded", (job.state, job.error)
        return ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id))


def rows(house: House, statement: str, **values: Any) -> list[Any]:
    """Return what a query finds in the tenant; it names the tenant as :tenant."""
    with house.ctx() as ctx:
        return list(ctx.db.execute(text(statement), {"tenant": ctx.tenant.id, **values}).all())
