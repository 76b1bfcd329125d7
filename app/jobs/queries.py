"""Reading the ledger as one person of a tenant may."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.kit.desk import Job
from app.kit.errors import NotFound
from app.kit.paging import ListKey, Order, Page, decode, page_of, paged
from tenants.context import Ctx

_ORDER = Order(Job.created_at, Job.id, descending=True)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows."""

    kind: str | None = None
    state: str | None = None


def get_job(ctx: Ctx, *, job_id: UUID) -> Job:
    """Return a job of this person, or of anybody in the tenant for those who may see all.

    Raises NotFound, also for a job that is somebody else's.
    """
    query = select(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job_id, *_mine(ctx))
    job = ctx.db.scalar(query.execution_options(populate_existing=True))
    if job is None:
        raise NotFound
    return job


def list_jobs(ctx: Ctx, *, filters: JobFilter, cursor: str | None = None, limit: int) -> Page:
    """Return one page of jobs, newest first; only work that has a title is shown.

    Raises Invalid for a cursor of another list.
    """
    key = ListKey(ctx.runtime.settings.secret_key, ctx.tenant.id, f"jobs {filters!r} {ctx.actor.id}")
    at = decode(key, cursor) if cursor else None
    titled = [spec.kind for spec in ctx.runtime.jobs if spec.title and filters.kind in (None, spec.kind)]
    query = select(Job).where(Job.tenant_id == ctx.tenant.id, Job.kind.in_(titled), *_mine(ctx))
    if filters.state:
        query = query.where(Job.state == filters.state)
    rows = ctx.db.scalars(paged(query, _ORDER, at, limit)).all()
    return page_of(rows, _ORDER, at, limit, key)


def _mine(ctx: Ctx) -> list[ColumnElement[bool]]:
    return [] if ctx.actor.may("jobs.read_all") else [Job.actor_id == ctx.actor.id]
