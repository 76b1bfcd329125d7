"""What a transaction is bound to, and the one string that binds it.

The string is a list of `SET LOCAL` and nothing else: never `set_config`, never a query, one role and one tenant.
It takes no parameters, so it is built only from a `uuid.UUID`, whole numbers and names of a strict pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from tenants.errors import TenantIsolationError

# `pool_01` … `pool_99`, or `t_` and 32 hex digits: 34 bytes at the most, far below PostgreSQL's 63.
SCHEMA_NAME = re.compile(r"(?:pool_\d{2}|t_[0-9a-f]{32})")
# Platform roles, and for each pool or dedicated schema the role of the same name.
ROLE_NAME = re.compile(r"(?:terrace_(?:control|platform)|pool_\d{2}|t_[0-9a-f]{32})")

# A statement gets at least this long (milliseconds); 0 would mean for ever.
LEAST = 100


@dataclass(frozen=True)
class Binding:
    """One door: a role, the schema it opens, the tenant inside, and the limits of a transaction in milliseconds.

    Raises TenantIsolationError for a name that is not of the registry's pattern.
    """

    role: str
    schema: str | None
    tenant_id: UUID | None
    statement_timeout: int = 5000
    lock_timeout: int = 2000
    idle_timeout: int = 10000

    def __post_init__(self) -> None:
        if not ROLE_NAME.fullmatch(self.role):
            raise TenantIsolationError("the role name is not of the registry's pattern")
        if self.schema is not None and not SCHEMA_NAME.fullmatch(self.schema):
            raise TenantIsolationError("the schema name is not of the registry's pattern")
        if self.tenant_id is not None and not isinstance(self.tenant_id, UUID):
            raise TenantIsolationError("the tenant id is not a UUID")

    @cached_property
    def sql(self) -> bytes:
        """The whole opening of a transaction, sent in one round trip."""
        # pg_temp is named last: unnamed it would be searched first, and a temporary table would shadow a real one.
        path = f'"{self.schema}", pg_temp' if self.schema else "pg_temp"
        parts = [
            "BEGIN",
            f'SET LOCAL ROLE "{self.role}"',
            f"SET LOCAL search_path = {path}",
            *([f"SET LOCAL app.tenant_id = '{self.tenant_id}'"] if self.tenant_id else []),
            f"SET LOCAL statement_timeout = {int(self.statement_timeout)}",
            f"SET LOCAL lock_timeout = {int(self.lock_timeout)}",
            f"SET LOCAL idle_in_transaction_session_timeout = {int(self.idle_timeout)}",
        ]
        return "; ".join(parts).encode()

    def within(self, budget: int, spent: float) -> Binding:
        """Return this binding with what `spent` seconds leave of a budget in milliseconds as its statements' limit."""
        left = max(LEAST, budget - int(spent * 1000))
        return replace(self, statement_timeout=min(self.statement_timeout, left))


CONTROL = Binding("terrace_control", None, None)
PLATFORM = Binding("terrace_platform", None, None)
