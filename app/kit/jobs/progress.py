"""How far jobs are, for the pages of what they work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kit.desk import Job


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. What has no job yet is a draft."""

    state: str = "draft"
    progress: float = 0.0
    step: str = ""
    error: str = ""

    @property
    def busy(self) -> bool:
        """Say whether it waits or runs."""
        return self.state in ("queued", "running")


def progress_of(session: Session, tenant_id: UUID, job_ids: Iterable[UUID | None]) -> dict[UUID | None, Progress]:
    """Return how far these jobs are; None is mapped too, and so is an ended job that the ledger has let go."""
    wanted = [job_id for job_id in job_ids if job_id]
    found: dict[UUID | None, Progress] = {job_id: Progress("succeeded", 1.0) for job_id in wanted}
    found[None] = Progress()
    rows = session.execute(
        select(Job.id, Job.state, Job.progress, Job.step, Job.error).where(
            Job.tenant_id == tenant_id, Job.id.in_(wanted)
        )
    )
    for job_id, state, progress, step, error in rows:
        told = (error or {}).get("detail", "") if state == "failed" else ""
        found[job_id] = Progress(state, progress, step, told)
    return found
