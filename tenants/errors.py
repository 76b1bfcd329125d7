"""What the engine refuses, by name."""

from __future__ import annotations

from app.kit.errors import DomainError, Forbidden, NotFound


class TenantIsolationError(Exception):
    """Code tried to mix two tenants. Always a defect of ours: logged, answered 500 and never retried."""


class Unbound(TenantIsolationError):
    """A statement reached the database without a tenant; nothing was sent."""


class NoSuchTenant(NotFound):
    """The host or credential names no tenant; the same answer as for an unused slug."""

    code, title = "tenant.not_found", "No workspace lives at this address"


class TenantSuspended(Forbidden):
    """The tenant is suspended; its people may not act."""

    code, title = "auth.tenant_suspended", "This workspace is suspended"


class TenantNotReady(DomainError):
    """The tenant is being made, or its making failed."""

    status, code, title = 503, "tenant.not_ready", "This workspace is not open yet"


class FeatureOff(Forbidden):
    """The tier does not include the feature."""

    code, title = "feature.off", "Your plan does not include this"


class LimitExceeded(DomainError):
    """A count limit is reached; the answer names the limit, the use and who can raise it."""

    status, code, title = 402, "limit.exceeded", "Your plan's limit is reached"


class PlacementRefused(DomainError):
    """The database holds as many dedicated schemas as it may."""

    status, code, title = 503, "placement.full", "No room for another dedicated workspace"
