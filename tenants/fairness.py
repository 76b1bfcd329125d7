"""Which job is next: the tenant that has the least at work for its weight, then the oldest job.

A bell only says that a queue has something to do. Which job a worker takes is decided here, so that a tenant with ten
thousand jobs in the queue does not keep another one waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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

# One probe for each tenant that waits, never a walk along one tenant's backlog (a "loose" index scan).
_WAITING = text("""
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM desk.job WHERE queue = :queue AND state = 'queued' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT job.tenant_id FROM desk.job
            WHERE job.queue = :queue AND job.state = 'queued' AND job.tenant_id > waiting.tenant_id
            ORDER BY job.tenant_id LIMIT 1)
    FROM waiting WHERE waiting.tenant_id IS NOT NULL
)
SELECT waiting.tenant_id, first.id, first.seq,
       (SELECT count(*) FROM desk.job busy WHERE busy.tenant_id = waiting.tenant_id AND busy.state = 'running') AS busy
FROM waiting
CROSS JOIN LATERAL (
    SELECT job.id, job.seq FROM desk.job
    WHERE job.tenant_id = waiting.tenant_id AND job.queue = :queue AND job.state = 'queued' AND job.run_at <= :now
      AND NOT EXISTS (SELECT 1 FROM desk.job earlier
                      WHERE earlier.tenant_id = job.tenant_id AND earlier.ordering_key = job.ordering_key
                        AND earlier.seq < job.seq AND earlier.state IN ('queued', 'running'))
    ORDER BY job.seq LIMIT 1
) first
WHERE waiting.tenant_id IS NOT NULL
ORDER BY busy, first.seq
LIMIT :look_at
""")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7207, hashtext(:queue))")


@dataclass(frozen=True, slots=True)
class Candidate:
    """The first job that could be taken for one tenant, and how much that tenant has at work."""

    tenant_id: UUID
    job_id: UUID
    seq: int
    busy: int


def choose_alone(session: Session, queue: str) -> None:
    """Let no other worker choose from `queue` until this transaction ends; without it two could pass a tenant's cap."""
    session.execute(_ONE_AT_A_TIME, {"queue": queue})


def next_jobs(session: Session, resolver: Resolver, queue: str, *, now: datetime) -> list[Candidate]:
    """Return what may be taken from `queue` now, the fairest first; tenants at their cap are left out."""
    rows = session.execute(_WAITING, {"queue": queue, "now": now, "look_at": _LOOK_AT})
    found = [Candidate(row.tenant_id, row.id, row.seq, row.busy) for row in rows]
    if len(found) == 1 and found[0].busy == 0:
        return found
    shares = [(c, *_share(resolver, c.tenant_id)) for c in found]
    allowed = [(c.busy / weight, c.seq, c) for c, weight, cap in shares if c.busy < cap]
    return [c for _, _, c in sorted(allowed, key=lambda entry: entry[:2])]


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
