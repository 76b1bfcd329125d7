"""A small installation for tests of the job machinery: its own kinds of jobs, real servers, real processes.

Effects are counted in `desk.usage`, in the job's own transaction: a metric that reads 1 happened exactly once.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.kit.clock import utcnow
from app.kit.desk import Job, Outbox, Usage
from app.kit.errors import Conflict
from app.kit.events import Event
from app.kit.jobs.registry import JobSpec, Schedule
from config.settings import Settings
from tenants.context import Ctx
from tenants.models import Placement, TenantRecord
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tenants.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """An event of the tests."""

    TYPE: ClassVar[str] = "house.door.rang.v1"
    note: str = ""


class Full(Conflict):
    """An expected refusal."""

    code, title = "house.full", "The house is full"


def add(ctx: Ctx, metric: str) -> None:
    """Count one effect, in the transaction of `ctx`."""
    row = insert(Usage).values(tenant_id=ctx.tenant.id, metric=metric, used=1)
    counted = row.on_conflict_do_update(index_elements=["tenant_id", "metric"], set_={"used": Usage.used + 1})
    ctx.db.execute(counted)


def quick(ctx: Ctx, work: Work, *, name: str, pause: float = 0.0) -> dict[str, Any]:
    """Count one effect after a pause."""
    add(ctx, name)
    pause_for(pause)
    return {"name": name, "attempt": work.attempt}


def steps(ctx: None, work: Work, *, name: str, count: int, pause: float = 0.05) -> dict[str, Any]:
    """Count effects in a transaction each, idempotent by step as a job of many transactions has to be."""
    for number in range(count):
        with work.transaction() as inside:
            row = insert(Usage).values(tenant_id=inside.tenant.id, metric=f"{name}:{number}", used=1)
            inside.db.execute(row.on_conflict_do_nothing())
            pause_for(pause)
        work.progress((number + 1) / count, f"step {number + 1}")
    return {"count": count}


def refuse(ctx: Ctx, work: Work, *, name: str) -> None:
    """Have an effect and then refuse."""
    add(ctx, name)
    raise Full("All rooms are taken.")


def break_down(ctx: Ctx, work: Work, *, name: str, times: int = 1000) -> None:
    """Fail by a driver's error until the attempt after `times`."""
    add(ctx, name)
    if work.attempt <= times:
        ctx.db.execute(text("SELECT 1 / 0"))


def long_query(ctx: Ctx, work: Work, *, name: str) -> None:
    """Stay inside one query for much longer than the job may take."""
    add(ctx, name)
    ctx.db.execute(text("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"))


def answer(ctx: Ctx, work: Work, *, number: int) -> dict[str, Any]:
    """Return what the database says, to show that no answer of another query is read."""
    return {"number": ctx.db.execute(text("SELECT CAST(:number AS integer)"), {"number": number}).scalar_one()}


def sleep_through(ctx: Ctx, work: Work, *, name: str) -> dict[str, Any]:
    """At the first attempt freeze this process as a long pause of the machine would; then have the effect."""
    if work.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    add(ctx, name)
    return {"attempt": work.attempt}


def hoard(ctx: Ctx, work: Work, *, name: str, until: int = 1000) -> dict[str, Any]:
    """Take ever more memory and keep it beyond the job's end, until the attempt after `until`."""
    add(ctx, name)
    while work.attempt <= until:
        _HOARD.append(b"x" * (8 << 20))
    return {"attempt": work.attempt}


def leave_child(ctx: Ctx, work: Work, *, name: str) -> dict[str, Any]:
    """Start a process and leave it alone."""
    add(ctx, name)
    # Kept, so that nothing warns of it; it is this process's end that leaves the child alone.
    _HOARD.append(subprocess.Popen(["sleep", "600"]))
    return {"pid": _HOARD[-1].pid}


def go_deaf(ctx: Ctx, work: Work, *, name: str) -> None:
    """Stay where no signal handler of Python's is ever run."""
    add(ctx, name)
    deque(itertools.repeat(0), maxlen=0)


def on_rang(ctx: Ctx, work: Work, *, event: dict[str, Any]) -> None:
    """Note in which order events came."""
    seen = select(func.count()).select_from(Usage).where(Usage.tenant_id == ctx.tenant.id, Usage.metric.like("seen:%"))
    number = ctx.db.execute(seen).scalar_one()
    add(ctx, f"seen:{number:05}:{event['aggregate_id']}:{event['payload']['note']}")


def on_rang_poison(ctx: Ctx, work: Work, *, event: dict[str, Any]) -> None:
    """Break at the events that are marked so."""
    if event["payload"]["note"] == "poison":
        raise RuntimeError("poison")
    add(ctx, f"poisoned:{event['aggregate_id']}:{event['payload']['note']}")


def on_clock(runtime: Runtime, work: Work) -> None:
    """Do nothing, by the clock."""


_HOARD: list[Any] = []

SPECS = [
    JobSpec("house.quick", quick, max_attempts=20, backoff=0.2),
    JobSpec("house.urgent", quick, queue="urgent", max_attempts=20, backoff=0.2),
    JobSpec("house.bulk", quick, queue="bulk", max_attempts=20, backoff=0.2),
    JobSpec("house.steps", steps, transaction="many", max_attempts=20, backoff=0.2),
    JobSpec("house.refuse", refuse),
    JobSpec("house.break_down", break_down, max_attempts=3, backoff=0.1),
    JobSpec("house.long_query", long_query, timeout=1, max_attempts=1),
    JobSpec("house.answer", answer),
    JobSpec("house.sleep_through", sleep_through, max_attempts=3, backoff=0.1),
    JobSpec("house.hoard", hoard, max_attempts=3, backoff=0.1),
    JobSpec("house.leave_child", leave_child),
    JobSpec("house.go_deaf", go_deaf, timeout=1, max_attempts=2, backoff=0.1),
    JobSpec("house.on_clock", on_clock, platform=True),
]
HANDLERS = [
    JobSpec("house.on_rang", on_rang, max_attempts=20, backoff=0.2),
    JobSpec("house.on_rang_poison", on_rang_poison, max_attempts=2, backoff=0.1),
]
CLOCK = Schedule("house.clock", "house.on_clock", timedelta(hours=1))


def build(settings: Settings) -> Runtime:
    """Return a worker's runtime that knows the jobs of this file and nothing else."""
    runtime = Runtime.build(settings, as_worker=True, pool_size=6)
    for spec in [*SPECS, *HANDLERS]:
        runtime.jobs.add(spec)
    runtime.handlers[Rang.TYPE] = [spec.kind for spec in HANDLERS]
    return runtime


def make_tenant(runtime: Runtime, *, status: str = "active", tier: str = "premium") -> Tenant:
    """Put a tenant into the first pool without the product's provisioning."""
    tenant_id = uuid.uuid4()
    with runtime.control() as session:
        session.add(
            TenantRecord(
                id=tenant_id,
                slug=f"house-{tenant_id.hex[:10]}",
                company_name="House",
                admin_email="house@example.com",
                tier=tier,
                status=status,
            )
        )
        session.flush()
        session.add(Placement(tenant_id=tenant_id, isolation="pooled", schema_name="pool_01", role_name="pool_01"))
    return runtime.resolver.by_id(tenant_id)


def effects(runtime: Runtime, tenant: Tenant, prefix: str = "") -> dict[str, int]:
    """Return the effects that this tenant's jobs had."""
    with runtime.platform() as session:
        rows = session.execute(
            select(Usage.metric, Usage.used)
            .where(Usage.tenant_id == tenant.id, Usage.metric.startswith(prefix))
            .order_by(Usage.metric)
        )
        return {row.metric: row.used for row in rows}


def job(runtime: Runtime, tenant_id: UUID, job_id: UUID) -> Any:
    """Return a job's row as it is now."""
    with runtime.platform() as session:
        return session.execute(select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id)).scalar_one()


def job_in(ctx: Ctx, job_id: UUID) -> Job:
    """Return a job's row inside the transaction of `ctx`, to change it."""
    return ctx.db.execute(select(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job_id)).scalar_one()


def open_jobs(runtime: Runtime, *tenants: Tenant) -> int:
    """Return how many jobs of these tenants have not ended."""
    ids = [t.id for t in tenants]
    with runtime.platform() as session:
        waiting = select(func.count()).where(Job.tenant_id.in_(ids), Job.state.in_(("queued", "running")))
        return session.execute(waiting).scalar_one()


def pending_events(runtime: Runtime) -> int:
    """Return how many events wait for the relay."""
    with runtime.platform() as session:
        return session.execute(select(func.count()).where(Outbox.relayed_at.is_(None))).scalar_one()


def close_all(runtime: Runtime) -> None:
    """Leave nothing behind that a later test's workers would do."""
    with runtime.platform() as session:
        options = {"synchronize_session": False}
        ended = update(Job).where(Job.state.in_(("queued", "running"))).values(state="cancelled", fence=Job.fence + 1)
        session.execute(ended, execution_options=options)
        relayed = update(Outbox).where(Outbox.relayed_at.is_(None)).values(relayed_at=utcnow())
        session.execute(relayed, execution_options=options)


def eventually(condition: Callable[[], Any], *, within: float, what: str) -> Any:
    """Return what `condition` gives when it is true; fail after `within` seconds."""
    ends_at = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"{what} did not happen within {within} s"
        pause_for(0.05)
    return found


def pause_for(seconds: float) -> None:
    """Let time pass, as the work of a real job would."""
    if seconds:
        time.sleep(seconds)


def now_plus(seconds: float) -> Any:
    """Return the instant that many seconds from now."""
    return utcnow() + timedelta(seconds=seconds)
