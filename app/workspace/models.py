"""A tenant's own settings: how it counts money and time."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import RowVersion, TenantBase, TenantOwned, Timestamps


class Workspace(TenantOwned, Timestamps, RowVersion, TenantBase):
    """The one row of settings of a tenant."""

    __tablename__ = "workspace"
    __table_args__ = (
        UniqueConstraint("tenant_id"),
        CheckConstraint("length(currency) = 3", name="currency"),
    )

    currency: Mapped[str] = mapped_column(default="EUR")
    locale: Mapped[str] = mapped_column(default="en_GB")
    time_zone: Mapped[str] = mapped_column(default="UTC")
    # Whether strangers may open an account of their own in this workspace.
    signup_open: Mapped[bool] = mapped_column(default=False)
