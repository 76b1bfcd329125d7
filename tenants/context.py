"""The context of one request or job: who, for which tenant, with which database session, at what time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Table, insert, select

from app.kit.desk import Job, Outbox
from app.kit.errors import Forbidden
from app.kit.events import Event
from app.kit.ids import new_id
from app.kit.jobs import queueing
from app.kit.jobs.queueing import BELLS
from tenants.sessions import TenantSession
from tenants.tenant import Tenant

if TYPE_CHECKING:
    from tenants.runtime import Runtime


# Written once, and of the table: nearly every change sends it.
_EMIT = insert(cast(Table, Outbox.__table__))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user with a role and its permissions, a job, the system, or nobody known."""

    kind: str = "anonymous"
    id: UUID | None = None
    name: str = ""
    email: str = ""
    role: str = ""
    permissions: frozenset[str] = frozenset()
    session_id: UUID | None = None
    email_verified: bool = False

    def may(self, permission: str) -> bool:
        """Say whether this actor holds `permission`."""
        return self.kind == "system" or permission in self.permissions


ANONYMOUS = Actor()
SYSTEM = Actor(kind="system", name="Terrace")


@dataclass(frozen=True, slots=True)
class Ctx:
    """First argument of every service and query. Frozen; the edge or the job runner builds it."""

    tenant: Tenant
    actor: Actor
    db: TenantSession
    now: datetime
    request_id: str
    runtime: Runtime = field(repr=False)

    def require(self, permission: str) -> None:
        """Raise Forbidden unless the actor holds `permission`."""
        if not self.actor.may(permission):
            raise Forbidden(
                f"This needs the permission {permission}. Ask an administrator of {self.tenant.company_name}."
            )

    def emit(self, event: Event) -> UUID:
        """Write `event` to the outbox in this transaction and return the event's id."""
        event_id = new_id()
        row = {
            "tenant_id": self.tenant.id,
            "id": event_id,
            "type": event.TYPE,
            "aggregate_id": event.aggregate_id,
            "payload": event.payload(),
            "actor_id": self.actor.id,
            "request_id": self.request_id,
            "occurred_at": self.now,
        }
        self.db.connection().execute(_EMIT, row)
        self.db.info.setdefault(BELLS, set()).add("outbox")
        return event_id

    def enqueue(
        self,
        kind: str,
        args: Mapping[str, Any] | None = None,
        *,
        dedupe_key: str | None = None,
        ordering_key: str | None = None,
        run_at: datetime | None = None,
    ) -> UUID:
        """Write a job to the ledger in this transaction and return its id; the bell rings after the commit.

        Where a job with `dedupe_key` was there before, nothing is written and that one's id is returned.
        Raises KeyError for a kind that no module declares.
        """
        job_id = queueing.enqueue(
            self.db,
            self.runtime.jobs.get(kind),
            args,
            tenant_id=self.tenant.id,
            now=self.now,
            run_at=run_at,
            dedupe_key=dedupe_key,
            ordering_key=ordering_key,
            actor_id=self.actor.id,
            actor_name=self.actor.name,
            request_id=self.request_id,
        )
        if job_id is not None:
            return job_id
        there = select(Job.id).where(Job.tenant_id == self.tenant.id, Job.dedupe_key == dedupe_key)
        return self.db.execute(there).scalar_one()
