"""Making a tenant, step by step, as a job. Every step may be run again; a run that ends badly takes itself back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import delete, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError

from app.kit.clock import utcnow
from app.kit.db import TenantBase
from app.kit.ids import new_id
from app.kit.jobs.queueing import enqueue_platform
from app.kit.jobs.registry import JobSpec, Schedule
from tenants.binding import Binding
from tenants.context import SYSTEM
from tenants.errors import PlacementRefused, TenantIsolationError, Unbound
from tenants.migration.catchup import catch_up_job, catch_up_schedule
from tenants.models import Placement, ProvisioningRun, TenantRecord
from tenants.placement import Place, claim_spare, emptiest_pool, roomiest
from tenants.registration import PROVISION
from tenants.rehearsal import rehearse
from tenants.runtime import Runtime
from tenants.schemas import drop_schema, migrator
from tenants.sessions import ControlSession, TenantSession
from tenants.spares import build_schema, refill_job, refill_schedule
from tenants.tenant import Tenant
from tenants.tiers import tiers

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4


def provision(runtime: Runtime, work: Any, *, tenant_id: str) -> None:
    """Lead the tenant from its reserved address to an open door."""
    diary = Diary(UUID(tenant_id))
    try:
        diary.read(runtime)
        for name, step in STEPS:
            if not diary.has(name):
                diary.begin(name)
                step(runtime, diary)
    except Exception as error:
        if _record_failure(runtime, diary, error, final=work.attempt >= MAX_ATTEMPTS):
            raise
        log.warning("another run was faster", extra={"tenant_id": tenant_id})


class Diary:
    """What has been done for one tenant; it goes into the database with what the steps write there anyway."""

    def __init__(self, tenant_id: UUID) -> None:
        """Begin an empty one."""
        self.tenant_id = tenant_id
        self.admin: dict[str, Any] = {}
        self._steps: list[dict[str, Any]] = []
        self._now = "placed"
        self._since = time.monotonic()

    def read(self, runtime: Runtime) -> None:
        """Go on where an earlier attempt has stopped."""
        with runtime.control() as session:
            run = session.get_one(ProvisioningRun, self.tenant_id)
            self.admin, self._steps, self._now = run.first_admin, run.steps, run.step

    def has(self, name: str) -> bool:
        """Say whether the step has ended."""
        return any(done["name"] == name for done in self._steps)

    def begin(self, name: str) -> None:
        """Start the clock of a step."""
        self._now, self._since = name, time.monotonic()

    def end(self) -> None:
        """Note that the step has ended."""
        if not self.has(self._now):
            took = round(time.monotonic() - self._since, 3)
            self._steps = [*self._steps, {"name": self._now, "seconds": took}]

    def write(self, session: ControlSession) -> ProvisioningRun:
        """Put all that is noted into the run's row, and return the row."""
        run = session.get_one(ProvisioningRun, self.tenant_id, with_for_update=True)
        if self._steps:
            run.step, run.steps = self._now, self._steps
        return run


def _place(runtime: Runtime, diary: Diary) -> None:
    """Give the tenant a pool, a spare dedicated schema, or a new one."""
    with runtime.control() as session:
        placement = session.get(Placement, diary.tenant_id)
        if placement is None:
            record = session.get_one(TenantRecord, diary.tenant_id, with_for_update=True)
            placement = _decide(session, runtime, record)
            session.add(placement)
        to_build = placement.schema_name == _own_schema(diary.tenant_id)
        if not to_build:
            _say_placed(session, diary)
    if to_build:
        # Decided before it is made, so that a run which died in between makes it in the same place.
        build_schema(runtime, placement.schema_name, placement.database)
        with runtime.control() as session:
            _say_placed(session, diary)


def _say_placed(session: ControlSession, diary: Diary) -> None:
    diary.end()
    # The page shows what goes on, and the next words are written only when the door is open.
    diary.begin("furnished")
    diary.write(session)


def _decide(session: ControlSession, runtime: Runtime, record: TenantRecord) -> Placement:
    isolation = tiers()[record.tier].placement
    if isolation == "pooled":
        place = emptiest_pool(session, runtime.settings)
    elif spare := claim_spare(session):
        enqueue_platform(session, refill_job, now=utcnow())
        place = spare
    else:
        place = Place(roomiest(session, runtime.settings), _own_schema(record.id))
    return Placement(
        tenant_id=record.id,
        isolation=isolation,
        database=place.database,
        schema_name=place.schema,
        role_name=place.schema,
    )


def _own_schema(tenant_id: UUID) -> str:
    return f"t_{tenant_id.hex}"


def _secure(runtime: Runtime, diary: Diary) -> None:
    """Look for the new tenant's rows under its own id and under another: they must be there, and not be there."""
    tenant = runtime.resolver.by_id(diary.tenant_id)
    if not _sees_rows(runtime, tenant.database, tenant.binding):
        raise TenantIsolationError("the new tenant cannot read its own rows")
    if _sees_rows(runtime, tenant.database, Binding(tenant.binding.role, tenant.binding.schema, new_id())):
        raise TenantIsolationError("the new tenant's rows are visible to another")
    diary.end()


def _sees_rows(runtime: Runtime, database: str, binding: Binding) -> bool:
    """Say whether any tenant table shows a row; deliberately without a predicate, so that only the wall answers."""
    tables = TenantBase.metadata.sorted_tables
    with TenantSession(runtime.databases.engine(database), binding) as session:
        return bool(session.scalar(select(or_(*(exists(table.select()) for table in tables)))))


def _furnish(runtime: Runtime, diary: Diary) -> None:
    """Let every module put in what a new tenant starts with."""
    with runtime.tenant(_fresh(runtime, diary.tenant_id), actor=SYSTEM) as ctx:
        for hook in runtime.provision_hooks:
            hook(ctx, diary.admin)
    diary.end()


def _open(runtime: Runtime, diary: Diary) -> None:
    with runtime.control() as session:
        record = session.get_one(TenantRecord, diary.tenant_id, with_for_update=True)
        if record.status != "provisioning":
            # Another run was faster, or has given up and taken everything back.
            return
        record.status, record.status_reason = "active", ""
        record.version += 1
        diary.end()
        run = diary.write(session)
        run.state, run.error, run.first_admin = "succeeded", "", {}
    runtime.resolver.changed(diary.tenant_id)


STEPS: tuple[tuple[str, Callable[[Runtime, Diary], None]], ...] = (
    ("placed", _place),
    ("furnished", _furnish),
    ("secured", _secure),
    ("opened", _open),
)


def _fresh(runtime: Runtime, tenant_id: UUID) -> Tenant:
    """Return the tenant as it is now; a cached one may lack the placement that was just written."""
    runtime.resolver.forget(tenant_id)
    return runtime.resolver.by_id(tenant_id)


def _record_failure(runtime: Runtime, diary: Diary, error: Exception, *, final: bool) -> bool:
    """Note the failure and, when it is final, undo the making; False when another run has decided meanwhile."""
    tenant_id = diary.tenant_id
    reason = _reason(error)
    with runtime.control() as session:
        # Locked to the end: a run that would open the tenant meanwhile waits, and then finds it failed.
        record = session.get_one(TenantRecord, tenant_id, with_for_update=True)
        if record.status != "provisioning":
            return False
        log.error("provisioning failed", exc_info=error, extra={"tenant_id": str(tenant_id), "final": final})
        if final:
            take_back(runtime, tenant_id)
        run = diary.write(session)
        run.error, run.attempts = reason, run.attempts + 1
        if final:
            record.status, record.status_reason = "failed", reason
            run.state, run.steps = "failed", run.steps[:1]
    runtime.resolver.changed(tenant_id)
    return True


def _reason(error: Exception) -> str:
    """Say in words for people what stood in the way; never the text of a driver."""
    if isinstance(error, (SQLAlchemyError, psycopg.Error)):
        return "The database did not answer as it should. Try again in a minute."
    if isinstance(error, PlacementRefused):
        return "There is no room for another workspace of this kind. Try again when the operator has made some."
    if isinstance(error, TenantIsolationError):
        return "A safety check failed, so the workspace stays closed. The operator has been told."
    return "Something unexpected stood in the way. Try again in a minute."


def take_back(runtime: Runtime, tenant_id: UUID) -> None:
    """Undo the making of a tenant that never opened: its rows or its schema, and its placement. The address stays."""
    with runtime.control() as session:
        placement = session.get(Placement, tenant_id)
    if placement is None:
        return
    admin_url = runtime.settings.databases[placement.database].admin
    if placement.isolation == "dedicated" and admin_url:
        # With all that is in it, and also when it was never made.
        with migrator(admin_url) as connection:
            drop_schema(connection, placement.schema_name, database=placement.database)
    else:
        with runtime.tenant(_fresh(runtime, tenant_id)) as ctx:
            for table in reversed(TenantBase.metadata.sorted_tables):
                ctx.db.execute(delete(table).where(table.c.tenant_id == tenant_id))
    with runtime.control() as session:
        session.execute(delete(Placement).where(Placement.tenant_id == tenant_id))
    runtime.resolver.forget(tenant_id)


def _rehearse(runtime: Runtime) -> None:
    tenant = rehearse(runtime)
    with suppress(Unbound):
        _sees_rows(runtime, tenant.database, tenant.binding)


JOBS: list[JobSpec] = [
    JobSpec(PROVISION, provision, queue="urgent", transaction="many", timeout=60, max_attempts=MAX_ATTEMPTS,
            backoff=0.5, platform=True, rehearse=_rehearse),
    refill_job, catch_up_job,
]  # fmt: skip
SCHEDULES: list[Schedule] = [refill_schedule, catch_up_schedule]
