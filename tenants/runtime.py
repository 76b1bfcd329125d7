"""What one process needs to serve tenants: settings, engines, Redis, resolver, limiter and the job registry.

Web, workers and the command line share it. Built once by the factory; handed on explicitly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from redis import Redis
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.kit.clock import utcnow
from app.kit.jobs.bell import Bell
from app.kit.jobs.queueing import BELLS
from app.kit.jobs.registry import JobRegistry, Schedule
from app.kit.redis_client import connect
from config.settings import Settings
from tenants.context import SYSTEM, Actor, Ctx
from tenants.databases import Databases
from tenants.rate import RateLimiter
from tenants.resolver import Resolver
from tenants.sessions import ControlSession, PlatformSession, TenantSession
from tenants.tenant import Tenant

log = logging.getLogger(__name__)

# A request waits no longer than this for Redis to take its bell (seconds); then the bell is silent for a while.
BELL_PATIENCE = 0.05
# A Redis that takes longer than this for the counts is away (seconds): each process then limits at its part.
RATE_PATIENCE = 0.5
# Shorter waits do not change a request's limits (seconds): the ready-made binding then serves as it is.
WORTH_TELLING = 0.05


@dataclass(frozen=True)
class Runtime:
    """One process's share of the installation."""

    settings: Settings
    databases: Databases
    redis: Redis
    resolver: Resolver
    limiter: RateLimiter
    bell: Bell
    jobs: JobRegistry = field(default_factory=JobRegistry)
    # Permission → lowest role, event type → job kinds, metric → recount, and the modules' provisioning hooks.
    permissions: dict[str, str] = field(default_factory=dict)
    handlers: dict[str, list[str]] = field(default_factory=dict)
    quotas: dict[str, Callable[[Ctx], int]] = field(default_factory=dict)
    provision_hooks: list[Callable[[Ctx, Mapping[str, Any]], None]] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    modules: list[Any] = field(default_factory=list)

    @classmethod
    def build(cls, settings: Settings, *, as_worker: bool = False, pool_size: int | None = None) -> Runtime:
        """Connect nothing yet; engines and clients open on first use. A worker logs in as itself where it can."""
        urls = {name: (as_worker and each.worker) or each.web for name, each in settings.databases.items()}
        databases = Databases(urls, pool_size=pool_size or settings.pool_size, distributed=settings.distributed)
        redis = connect(settings.redis_url)
        return cls(
            settings=settings,
            databases=databases,
            redis=redis,
            resolver=Resolver(settings, databases, redis),
            limiter=RateLimiter(connect(settings.redis_url, timeout=RATE_PATIENCE)),
            bell=Bell(connect(settings.redis_url, timeout=BELL_PATIENCE, again=0), settings.secret_key),
        )

    @contextmanager
    def control(self) -> Iterator[ControlSession]:
        """Open one transaction on the control schema; commit on a clean end, then ring what it enqueued."""
        with ControlSession(self.databases.engine()) as session:
            yield session
            session.commit()
            self.ring(session)

    @contextmanager
    def platform(self, database: str = "main") -> Iterator[PlatformSession]:
        """Open one transaction on the desk of `database`, across tenants."""
        with PlatformSession(self.databases.engine(database)) as session:
            yield session
            session.commit()
            self.ring(session)

    def tenant_session(self, tenant: Tenant, *, spent: float = 0.0) -> TenantSession:
        """Return a session bound to `tenant`; the caller owns commit and close.

        `spent` seconds of a request's time are gone already: its statements get what is left of the tier's limit.
        """
        binding = (
            tenant.binding if spent < WORTH_TELLING else tenant.binding.within(tenant.tier.statement_timeout, spent)
        )
        return TenantSession(self.databases.engine(tenant.database), binding)

    @contextmanager
    def tenant(
        self,
        tenant: Tenant | UUID,
        *,
        actor: Actor = SYSTEM,
        request_id: str = "",
        now: datetime | None = None,
    ) -> Iterator[Ctx]:
        """Open one transaction inside `tenant`; commit on a clean end, then ring what it enqueued.

        Raises NoSuchTenant for an id that no tenant has.
        """
        resolved = tenant if isinstance(tenant, Tenant) else self.resolver.by_id(tenant)
        with self.tenant_session(resolved) as session:
            yield Ctx(resolved, actor, session, now or utcnow(), request_id, self)
            session.commit()
            self.ring(session)

    def ring(self, session: Session) -> None:
        """Wake whoever must act on what `session` committed. A lost bell costs seconds: the reconciler re-rings."""
        for bell in session.info.pop(BELLS, ()):
            if bell == "outbox":
                self.bell.ring_outbox()
            else:
                self.bell.ring_job(*bell)


@event.listens_for(Session, "after_rollback")
def _forget_bells(session: Session) -> None:
    session.info.pop(BELLS, None)
