"""From a company's sign-up to the first page of its workspace: web application and workers as they are in a run."""

from __future__ import annotations

import time
from statistics import median
from uuid import UUID

from sqlalchemy import func, select

from app.kit.ids import new_id
from benchmarks.client import request
from benchmarks.figures import Figure
from benchmarks.rounds import percentile
from benchmarks.site import PASSWORD, Site
from benchmarks.workers import wait_until, workers
from tenants.models import Spare, TenantRecord

MANY = 30
# Milliseconds at the 95th percentile.
WITH_SPARE, WITHOUT = 300.0, 3000.0


def run(site: Site) -> list[Figure]:
    """Sign companies up one after the other and look at the clock when the first page of the workspace is there."""
    figures = []
    for name, tier, spares, bound in (
        ("sign-up, pooled", "basic", 0, WITH_SPARE),
        ("sign-up, dedicated, spare ready", "enterprise", 2, WITH_SPARE),
        ("sign-up, dedicated, no spare", "enterprise", 0, WITHOUT),
    ):
        with workers(site, SPARES=str(spares)):
            _sign_up(site, tier)
            taken = [_timed(site, tier, spares) for _ in range(MANY)]
        figures += [
            Figure(f"{name}, p50", median(taken), "ms"),
            Figure(f"{name}, p95", percentile(taken, 0.95), "ms", bound=bound),
        ]
    return figures


def _timed(site: Site, tier: str, spares: int) -> float:
    """Return the milliseconds from request to open door, with the spares that were asked for ready before."""
    wait_until(lambda: _ready_spares(site) >= spares)
    return _sign_up(site, tier)


def _sign_up(site: Site, tier: str) -> float:
    slug = f"co-{new_id().hex[-12:]}"
    company = {"company_name": slug, "slug": slug, "admin_email": f"a@{slug}.example", "password": PASSWORD}
    send = request(site.app, "POST", "/api/v1/tenants", host=site.settings.apex, json={**company, "tier": tier})
    first_page = request(site.app, "GET", "/signin", host=f"{slug}.{site.settings.apex}")
    began = time.perf_counter()
    answer = send()
    tenant_id = UUID(answer.json["id"])
    wait_until(lambda: _is_active(site, tenant_id), every=0.005)
    page = first_page()
    if page.status != 200:
        raise RuntimeError(f"the first page is not there: {page.status}")
    return (time.perf_counter() - began) * 1e3


def _is_active(site: Site, tenant_id: UUID) -> bool:
    with site.runtime.control() as session:
        status = session.scalar(select(TenantRecord.status).where(TenantRecord.id == tenant_id))
    if status == "failed":
        raise RuntimeError("a sign-up of the benchmark failed")
    return status == "active"


def _ready_spares(site: Site) -> int:
    with site.runtime.control() as session:
        return session.scalar(select(func.count()).select_from(Spare).where(Spare.state == "ready")) or 0
