"""Use-cases of stored objects: register, finish, find, let go. Rows only; jobs and doors move the bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.files.errors import FileGone
from app.files.keys import new_key
from app.files.models import FileObject
from app.kit.errors import NotFound
from tenants.context import Ctx

# An upload that was begun and not ended is removed after this.
_PENDING = timedelta(days=1)
KEEP = timedelta(days=30)


def register(ctx: Ctx, *, class_: str, name: str, media_type: str, encoding: str = "") -> FileObject:
    """Record an object that is about to be written, under a fresh key."""
    file = FileObject(
        class_=class_,
        key=new_key(ctx.tenant.id, class_),
        name=name,
        media_type=media_type,
        encoding=encoding,
        expires_at=ctx.now + _PENDING,
        created_by=ctx.actor.id,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    ctx.db.add(file)
    ctx.db.flush()
    return file


def finish(ctx: Ctx, *, file_id: UUID, size: int, sha256: str, keep: timedelta = KEEP) -> None:
    """Mark an object as written."""
    ctx.db.execute(
        update(FileObject)
        .where(FileObject.tenant_id == ctx.tenant.id, FileObject.id == file_id)
        .values(state="ready", size=size, sha256=sha256, expires_at=ctx.now + keep, updated_at=ctx.now)
    )


def get_file(ctx: Ctx, file_id: UUID, *, class_: str) -> FileObject:
    """Return a ready object of the class asked for.

    Raises NotFound for an id that this tenant has not, FileGone when it was removed.
    """
    file = find_file(ctx, file_id)
    if file is None or file.class_ != class_ or file.state == "pending":
        raise NotFound
    if file.state == "deleted" or file.expires_at <= ctx.now:
        raise FileGone
    return file


def find_ready(ctx: Ctx, ids: Iterable[UUID], *, class_: str) -> dict[UUID, FileObject]:
    """Return those of the objects that can be downloaded, by id."""
    wanted = set(ids)
    if not wanted:
        return {}
    query = select(FileObject).where(
        FileObject.tenant_id == ctx.tenant.id,
        FileObject.id.in_(wanted),
        FileObject.class_ == class_,
        FileObject.state == "ready",
        FileObject.expires_at > ctx.now,
    )
    return {file.id: file for file in ctx.db.scalars(query)}


def find_file(ctx: Ctx, file_id: UUID) -> FileObject | None:
    """Return the object called `file_id`, in whatever state, or None."""
    return ctx.db.scalar(select(FileObject).where(FileObject.tenant_id == ctx.tenant.id, FileObject.id == file_id))


def list_expired(ctx: Ctx, *, limit: int) -> list[FileObject]:
    """Return up to `limit` objects whose time is over."""
    found = ctx.db.scalars(
        select(FileObject)
        .where(FileObject.tenant_id == ctx.tenant.id, FileObject.state != "deleted", FileObject.expires_at <= ctx.now)
        .order_by(FileObject.expires_at)
        .limit(limit)
    )
    return list(found)


def forget(ctx: Ctx, *, file_id: UUID) -> None:
    """Mark an object as removed; its row stays, so that a page can say that the file is gone."""
    ctx.db.execute(
        update(FileObject)
        .where(FileObject.tenant_id == ctx.tenant.id, FileObject.id == file_id)
        .values(state="deleted", updated_at=ctx.now)
    )
