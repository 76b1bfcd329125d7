"""Declarative bases and column mixins. Which base a table has decides which schema and which wall it lives behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from app.kit.clock import utcnow
from app.kit.ids import new_id

# Names are fixed so that a migration can address a constraint in every schema.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Rows in `desk` that belong to the platform itself carry this id, so that no key column is ever NULL.
PLATFORM_ID = UUID(int=0)

_TYPES: dict[Any, Any] = {
    datetime: DateTime(timezone=True),
    UUID: Uuid(as_uuid=True),
    str: Text(),
    int: BigInteger(),
}


class ControlBase(DeclarativeBase):
    """What the platform knows of tenants; no tenant role can see it."""

    metadata = MetaData(schema="control", naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class DeskBase(DeclarativeBase):
    """What a tenant's own transaction writes and the platform reads."""

    metadata = MetaData(schema="desk", naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantBase(DeclarativeBase):
    """A tenant's data. No schema name: an unbound session finds no such table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantOwned:
    """Key of every tenant table: the tenant first, then a UUIDv7."""

    tenant_id: Mapped[UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, sort_order=-20)
    id: Mapped[UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=new_id, sort_order=-19)


class Timestamps:
    """When the row was made and last changed, set by the application so that tests can move time."""

    created_at: Mapped[datetime] = mapped_column(default=utcnow, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utcnow, onupdate=utcnow, sort_order=91
    )


class RowVersion:
    """Counts saves; it is the `ETag` of the thing and what `If-Match` is compared with."""

    row_version: Mapped[int] = mapped_column(Integer, default=1, sort_order=92)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.row_version}
