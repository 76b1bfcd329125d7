"""A tenant as the rest of the code sees it: resolved, frozen, and with its limits worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from tenants.binding import Binding
from tenants.tiers import UNLIMITED, Tier


@dataclass(frozen=True)
class Tenant:
    """Who a request, job or event belongs to. Never built from what a client sent."""

    id: UUID
    slug: str
    company_name: str
    brand_colour: str
    status: str
    status_reason: str
    tier: Tier
    isolation: str
    database: str
    schema: str | None
    role: str | None
    version: int
    region: str
    trial_ends_at: datetime | None
    created_at: datetime
    limits: Mapping[str, int] = field(default_factory=dict)
    features: Mapping[str, bool] = field(default_factory=dict)

    @cached_property
    def binding(self) -> Binding:
        """The door to this tenant's rows.

        Raises TenantIsolationError when the tenant has no placement yet.
        """
        return Binding(
            self.role or "",
            self.schema or "",
            self.id,
            statement_timeout=self.tier.statement_timeout,
            lock_timeout=self.tier.lock_timeout,
            idle_timeout=self.tier.idle_timeout,
        )

    def limit(self, metric: str) -> int:
        """Return the limit for `metric`, -1 for none."""
        return self.limits.get(metric, UNLIMITED)

    def has_feature(self, name: str) -> bool:
        """Say whether the tier, or an override, switches `name` on."""
        return self.features.get(name, False)
