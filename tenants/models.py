"""The control schema: what the platform knows of its tenants."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import utcnow
from app.kit.db import ControlBase, Timestamps
from app.kit.ids import new_id

STATUSES = ("provisioning", "active", "suspended", "failed", "deleted")
ISOLATIONS = ("pooled", "dedicated")
RUN_STATES = ("running", "succeeded", "failed")
SPARE_STATES = ("ready", "claimed")
DEFAULT_COLOUR = "#0f6b76"


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class TenantRecord(Timestamps, ControlBase):
    """A tenant: who it is, what it may, and in which state of life it stands."""

    __tablename__ = "tenant"
    __table_args__ = (
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint("brand_colour ~ '^#[0-9a-f]{6}$'", name="brand_colour"),
        Index("ix_tenant_status", "status"),
        Index("ix_tenant_created_at", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    company_name: Mapped[str]
    admin_email: Mapped[str]
    brand_colour: Mapped[str] = mapped_column(default=DEFAULT_COLOUR)
    tier: Mapped[str]
    region: Mapped[str] = mapped_column(default="local")
    status: Mapped[str] = mapped_column(default="provisioning")
    status_reason: Mapped[str] = mapped_column(default="")
    # Raised with every change that a cached copy must not outlive.
    version: Mapped[int] = mapped_column(Integer, default=1)
    trial_ends_at: Mapped[datetime | None]
    # A retried sign-up names the same key and gets the same tenant.
    signup_key: Mapped[str | None] = mapped_column(unique=True)
    signup_digest: Mapped[str | None]


class Placement(ControlBase):
    """Where a tenant's rows live."""

    __tablename__ = "placement"
    __table_args__ = (
        CheckConstraint(_one_of("isolation", ISOLATIONS), name="isolation"),
        Index("uq_placement_dedicated", "database", "schema_name", unique=True,
              postgresql_where=text("isolation = 'dedicated'")),
        Index("ix_placement_schema", "database", "schema_name"),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("control.tenant.id", ondelete="CASCADE"), primary_key=True)
    isolation: Mapped[str]
    database: Mapped[str] = mapped_column(default="main")
    schema_name: Mapped[str]
    role_name: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(default=utcnow)


class Host(ControlBase):
    """A custom domain that has been proven to be a tenant's; sub-domains of the apex follow from the slug."""

    __tablename__ = "host"

    name: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("control.tenant.id", ondelete="CASCADE"), index=True)
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class SlugHold(ControlBase):
    """A slug that nobody may take yet, because a tenant that is gone had it."""

    __tablename__ = "slug_hold"

    slug: Mapped[str] = mapped_column(primary_key=True)
    held_until: Mapped[datetime]
    reason: Mapped[str]


class TierOverride(ControlBase):
    """A limit or feature that one tenant has differently from its tier, for a reason and a time."""

    __tablename__ = "tier_override"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "name"),
                      CheckConstraint(_one_of("kind", ("limit", "feature")), name="kind"))  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("control.tenant.id", ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str]
    # A limit is a number, -1 for none; a feature is 0 or 1.
    value: Mapped[int]
    reason: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_by: Mapped[str]


class ProvisioningRun(Timestamps, ControlBase):
    """How far the making of a tenant has come, step by step."""

    __tablename__ = "provisioning_run"
    __table_args__ = (CheckConstraint(_one_of("state", RUN_STATES), name="state"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("control.tenant.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(default="running")
    step: Mapped[str] = mapped_column(default="reserved")
    # [{"name": "reserved", "seconds": 0.01}, …] in the order they ended.
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    # What the first administrator sent, the password as a hash; emptied when the run ends well.
    first_admin: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    error: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)


class Spare(ControlBase):
    """A dedicated schema made ahead of need; it is claimed by assignment, without DDL."""

    __tablename__ = "spare"
    __table_args__ = (
        CheckConstraint(_one_of("state", SPARE_STATES), name="state"),
        Index("ix_spare_ready", "database", "created_at", postgresql_where=text("state = 'ready'")),
    )

    schema_name: Mapped[str] = mapped_column(primary_key=True)
    role_name: Mapped[str]
    database: Mapped[str] = mapped_column(default="main")
    state: Mapped[str] = mapped_column(default="ready")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    claimed_at: Mapped[datetime | None]


class SchemaVersion(ControlBase):
    """Which revision of the tenant history each schema stands at; written with the DDL itself."""

    __tablename__ = "schema_version"

    database: Mapped[str] = mapped_column(primary_key=True)
    schema_name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str]
    migrated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class LoginDirectory(ControlBase):
    """Which tenants an e-mail address has an account in, by keyed hash: serves "find my workspace" and nothing else."""

    __tablename__ = "login_directory"

    email_mac: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("control.tenant.id", ondelete="CASCADE"), primary_key=True)
