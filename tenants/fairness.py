"""Which job is next: of the tenant that had the least of the workers for its weight, then the oldest.

A bell only says that a queue has something to do. Which job a worker takes is decided here, so that a tenant with ten
thousand jobs in the queue does not keep another one waiting. What a tenant had is what it has at work and what ended a
moment ago: with one worker nothing else is at work whenever it chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.db import PLATFORM_ID
from tenants.errors import NoSuchTenant
from tenants.resolver import Resolver

# The platform's own jobs, provisioning among them, go before any tenant's.
PLATFORM_WEIGHT = 100
PLATFORM_CAP = 1000
_LOOK_AT = 20
# How long a job that ended counts as part of what its tenant had.
MOMENT = timedelta(seconds=2)

# One probe for each tenant that waits, never a walk along one tenant's backlog (a "loose" index scan).
_WAITING = text("""
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM desk.job WHERE queue = :queue AND state = 'queued' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT job.tenant_id FROM desk.job
            WHERE job.queue = :queue AND job.state = 'queued' AND job.tenant_id > waiting.tenant_id
            ORDER BY job.tenant_id LIMIT 1)
    FROM waiting WHERE waiting.tenant_id IS NOT NULL
), served AS (
    SELECT tenant_id, count(*) AS ended, max(finished_at) AS last FROM desk.job WHERE finished_at > :since
    GROUP BY tenant_id
)
SELECT waiting.tenant_id, first.id, first.seq, coalesce(served.ended, 0) AS ended, served.last,
       (SELECT count(*) FROM desk.job busy WHERE busy.tenant_id = waiting.tenant_id AND busy.state = 'running') AS busy
FROM waiting
LEFT JOIN served ON served.tenant_id = waiting.tenant_id
CROSS JOIN LATERAL (
    SELECT job.id, job.seq FROM desk.job
    WHERE job.tenant_id = waiting.tenant_id AND job.queue = :queue AND job.state = 'queued' AND job.run_at <= :now
      AND NOT EXISTS (SELECT 1 FROM desk.job earlier
                      WHERE earlier.tenant_id = job.tenant_id AND earlier.ordering_key = job.ordering_key
                        AND earlier.seq < job.seq AND earlier.state IN ('queued', 'running'))
    ORDER BY job.seq LIMIT 1
) first
WHERE waiting.tenant_id IS NOT NULL
ORDER BY busy, ended, served.last NULLS FIRST, first.seq
LIMIT :look_at
""")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7207, hashtext(:queue))")


@dataclass(frozen=True, slots=True)
class Candidate:
    """The first job that could be taken for one tenant, what it has at work, and what ended a moment ago."""

    tenant_id: UUID
    job_id: UUID
    seq: int
    busy: int
    ended: int


def choose_alone(session: Session, queue: str) -> None:
    """Let no other worker choose from `queue` until this transaction ends; without it two could pass a tenant's cap."""
    session.execute(_ONE_AT_A_TIME, {"queue": queue})


def next_jobs(session: Session, resolver: Resolver, queue: str, *, now: datetime) -> list[Candidate]:
    """Return what may be taken from `queue` now, the fairest first; tenants at their cap are left out."""
    rows = session.execute(_WAITING, {"queue": queue, "now": now, "since": now - MOMENT, "look_at": _LOOK_AT})
    found = [Candidate(row.tenant_id, row.id, row.seq, row.busy, row.ended) for row in rows]
    if len(found) == 1 and found[0].busy == 0:
        return found
    shares = [(c, *_share(resolver, c.tenant_id)) for c in found]
    # The statement's own order, least recently served first, decides between equals.
    allowed = [((c.busy + c.ended) / weight, c) for c, weight, cap in shares if c.busy < cap]
    return [c for _, c in sorted(allowed, key=lambda entry: entry[0])]


def _share(resolver: Resolver, tenant_id: UUID) -> tuple[int, int]:
    """Return a tenant's weight, and how many of its jobs may be at work at once."""
    if tenant_id == PLATFORM_ID:
        return PLATFORM_WEIGHT, PLATFORM_CAP
    try:
        tier = resolver.by_id(tenant_id).tier
    except NoSuchTenant:
        # The runner says why such a job cannot run; here it must only not be lost.
        return 1, 1
    return tier.weight, tier.concurrent_jobs
