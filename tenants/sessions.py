"""Sessions that are born bound: to one tenant, to the control schema, or to the platform's side of the desk."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from app.kit.db import TenantOwned
from tenants.binding import CONTROL, PLATFORM, Binding
from tenants.databases import bound
from tenants.errors import TenantIsolationError


class BoundSession(Session):
    """A session whose every transaction opens with its binding."""

    def __init__(self, engine: Engine, binding: Binding) -> None:
        super().__init__(bound(engine, binding), expire_on_commit=False)
        self.binding = binding


class TenantSession(BoundSession):
    """A session inside one tenant; ORM statements get the tenant predicate, new rows the tenant's id."""

    def __init__(self, engine: Engine, binding: Binding) -> None:
        if binding.tenant_id is None or binding.schema is None:
            raise TenantIsolationError("a tenant session needs a tenant and its schema")
        super().__init__(engine, binding)
        self.tenant_id: UUID = binding.tenant_id


class ControlSession(BoundSession):
    """A session on the control schema."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, CONTROL)


class PlatformSession(BoundSession):
    """A session on the desk, across tenants: for relay, reconciler and sweeps. Workers only."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, PLATFORM)


@event.listens_for(TenantSession, "do_orm_execute")
def _add_tenant_predicate(state: ORMExecuteState) -> None:
    # The predicate beside the policy is for the planner: the policy's own value is hidden from it.
    # A statement of tables and not of classes has nothing that the criterion could find; it brings its own predicate.
    session = state.session
    if not state.is_orm_statement or state.is_column_load or state.is_relationship_load:
        return
    if isinstance(session, TenantSession):
        state.statement = state.statement.options(_criterion(session.tenant_id))


@lru_cache(maxsize=4096)
def _criterion(tenant_id: UUID) -> ExecutableOption:
    """Return the predicate for all classes of tenant tables; making it costs more than many a query."""
    return with_loader_criteria(TenantOwned, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)


@event.listens_for(TenantSession, "before_flush")
def _stamp_tenant(session: TenantSession, context: UOWTransaction, instances: Any) -> None:
    for row in session.new:
        if not isinstance(row, TenantOwned):
            continue
        if row.tenant_id is None:
            row.tenant_id = session.tenant_id
        elif row.tenant_id != session.tenant_id:
            raise TenantIsolationError("a row of another tenant was added to this session")
