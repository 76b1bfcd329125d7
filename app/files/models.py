"""The register of stored objects: what lies in the bucket, whose it is, and until when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import TenantBase, TenantOwned, Timestamps

STATES = ("pending", "ready", "deleted")
# The class is a part of the object's key, so that a bucket policy can tell them apart.
CLASSES = ("import", "report", "export")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class FileObject(TenantOwned, Timestamps, TenantBase):
    """One object in the bucket. Its row is written first, so that a sweep finds what a crash left behind."""

    __tablename__ = "file_object"
    __table_args__ = (
        CheckConstraint(_one_of("state", STATES), name="state"),
        CheckConstraint(_one_of("class", CLASSES), name="class"),
        CheckConstraint("size >= 0", name="size"),
        Index("uq_file_object_key", "tenant_id", "key", unique=True),
        Index("ix_file_object_expiry", "tenant_id", "expires_at", postgresql_where=text("state <> 'deleted'")),
    )

    class_: Mapped[str] = mapped_column("class", Text)
    key: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    encoding: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="pending")
    expires_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
