"""What people do with running work."""

from __future__ import annotations

from uuid import UUID

from app.jobs import queries
from app.jobs.errors import JobEnded
from app.kit.desk import Job
from app.kit.jobs import ledger
from tenants.context import Ctx

OPEN = ("queued", "running")


def cancel_job(ctx: Ctx, *, job_id: UUID) -> Job:
    """Stop a job: one that waits ends now, one that runs ends at its next step.

    Raises NotFound, JobEnded.
    """
    job = queries.get_job(ctx, job_id=job_id)
    if job.state not in OPEN:
        raise JobEnded("It has ended; what it did stays.")
    ledger.cancel(ctx.db, tenant_id=ctx.tenant.id, job_id=job_id, now=ctx.now)
    return queries.get_job(ctx, job_id=job_id)
