"""Lets go of objects whose time is over."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.files import service
from app.files.gateway import file_store
from app.kit.jobs.ledger import database_now
from app.kit.jobs.registry import JobSpec, Schedule
from tenants.models import TenantRecord
from tenants.runtime import Runtime
from tenants.work import Work

log = logging.getLogger(__name__)
_AT_ONCE = 200


def sweep(runtime: Runtime, work: Work) -> dict[str, Any]:
    """Delete expired objects of every active tenant."""
    with runtime.control() as session:
        tenant_ids = list(session.scalars(select(TenantRecord.id).where(TenantRecord.status == "active")))
        # Not this machine's: what a clock that is ahead removes is gone.
        now = database_now(session)
    deleted = 0
    for number, tenant_id in enumerate(tenant_ids):
        work.progress(number / len(tenant_ids), "Removing files whose time is over")
        deleted += sweep_tenant(runtime, tenant_id, now=now)
    return {"deleted": deleted}


def sweep_tenant(runtime: Runtime, tenant_id: UUID, *, now: datetime) -> int:
    """Delete objects of one tenant that have expired by `now`, and return how many.

    Raises StoreUnreachable.
    """
    deleted = 0
    while True:
        with runtime.tenant(tenant_id, now=now) as ctx:
            expired = service.list_expired(ctx, limit=_AT_ONCE)
        for file in expired:
            # The object first: a row that is left over is tried again, an object that is left over is never found.
            file_store(runtime.settings).delete(file.key)
            with runtime.tenant(tenant_id) as ctx:
                service.forget(ctx, file_id=file.id)
        deleted += len(expired)
        if len(expired) < _AT_ONCE:
            return deleted


SWEEP = JobSpec("files.sweep", sweep, queue="bulk", transaction="many", timeout=1800, platform=True)
EVERY_SIX_HOURS = Schedule("files.sweep", "files.sweep", timedelta(hours=6))
