"""One effect for one key: the answer to a request is kept with its effects, and a retry gets that answer.

The row is inserted in the request's own transaction. A twin that comes meanwhile waits on the row's key, and then gets
the stored answer, or, when the first one failed, does the work itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.kit.desk import IdempotencyKey
from app.kit.errors import BadRequest, Conflict, Invalid

KEPT = timedelta(days=7)
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_LOCK_NOT_AVAILABLE = "55P03"
# What a replay must repeat; everything else is made anew for each answer.
_KEPT_HEADERS = frozenset({"content-type", "location", "etag", "link", "content-language", "content-disposition"})
# SQLAlchemy keeps the count of an INSERT only when asked.
_OPTIONS: dict[str, Any] = {"preserve_rowcount": True}


class KeyMalformed(BadRequest):
    """The key is empty, too long or not printable."""

    code, title = "idempotency.malformed", "The Idempotency-Key cannot be used"


class KeyReused(Invalid):
    """The key came before, with another request."""

    code, title = "idempotency.mismatch", "This Idempotency-Key belongs to another request"


class InProgress(Conflict):
    """The first request with this key is still at work."""

    code, title = "idempotency.in_progress", "The first request with this key is still at work"


@dataclass(frozen=True, slots=True)
class Slot:
    """What a key stands for: one principal's one request to one route of one tenant."""

    tenant_id: UUID
    principal: str
    route: str
    key: str
    fingerprint: str

    @property
    def scope(self) -> str:
        """The name under which the answer is kept."""
        # Lengths first, so that no two different triples run together into the same text.
        parts = (self.principal, self.route, self.key)
        return hashlib.sha256("".join(f"{len(p)}:{p}" for p in parts).encode()).hexdigest()


# Written once, and of the table: every request with effects sends both.
_TABLE = cast(Table, IdempotencyKey.__table__)
_TAKE = insert(_TABLE).on_conflict_do_nothing()
_KEEP = update(_TABLE).where(_TABLE.c.tenant_id == bindparam("of_tenant"), _TABLE.c.scope == bindparam("of_scope"))


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def begin(session: Session, slot: Slot, *, now: datetime) -> StoredAnswer | None:
    """Take the key for this transaction, or return the answer that was given under it before.

    Raises KeyMalformed, KeyReused, InProgress.
    """
    if not _KEY.fullmatch(slot.key):
        raise KeyMalformed("Send an Idempotency-Key of 1 to 255 printable characters, such as a UUID.")
    if _insert(session, slot, now):
        return None
    row = session.execute(
        select(IdempotencyKey)
        .where(IdempotencyKey.tenant_id == slot.tenant_id, IdempotencyKey.scope == slot.scope)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None or (row.expires_at <= now and _take_over(session, slot, now)):
        return None
    if row.fingerprint != slot.fingerprint:
        raise KeyReused("Send a new key with a new request, or the same request with the same key.")
    if row.status is None:
        raise _in_progress()
    return StoredAnswer(row.status, row.headers or {}, row.body or b"")


def finish(session: Session, slot: Slot, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Keep the answer in the transaction of its effects; a refusal is not kept, so the corrected request may follow."""
    if status >= 400:
        here = update(IdempotencyKey).where(
            IdempotencyKey.tenant_id == slot.tenant_id, IdempotencyKey.scope == slot.scope
        )
        # Long expired, and so free for the next one: tenants' roles may not delete on the desk.
        session.connection().execute(here.values(expires_at=IdempotencyKey.created_at - KEPT))
        return
    kept = {name: value for name, value in headers.items() if name.lower() in _KEPT_HEADERS}
    answer = {"status": status, "headers": kept, "body": body}
    session.connection().execute(_KEEP, {"of_tenant": slot.tenant_id, "of_scope": slot.scope, **answer})


def _insert(session: Session, slot: Slot, now: datetime) -> bool:
    row = {
        "tenant_id": slot.tenant_id,
        "scope": slot.scope,
        "fingerprint": slot.fingerprint,
        "created_at": now,
        "expires_at": now + KEPT,
    }
    return _rows(session, _TAKE, row) == 1


def _take_over(session: Session, slot: Slot, now: datetime) -> bool:
    """Make an expired row ours; False when a twin was faster."""
    statement = (
        update(IdempotencyKey)
        .where(
            IdempotencyKey.tenant_id == slot.tenant_id,
            IdempotencyKey.scope == slot.scope,
            IdempotencyKey.expires_at <= now,
        )
        .values(
            fingerprint=slot.fingerprint, status=None, headers=None, body=None, created_at=now, expires_at=now + KEPT
        )
    )
    if _rows(session, statement) == 1:
        return True
    raise _in_progress()


def _rows(session: Session, statement: Any, values: Mapping[str, Any] | None = None) -> int:
    """Run `statement` and return how many rows it changed; waiting too long for a twin is `InProgress`."""
    try:
        # Of the connection: the session would look for objects to keep in step, and there are none.
        outcome = session.connection().execute(statement, values or {}, execution_options=_OPTIONS)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise _in_progress() from error
        raise
    return outcome.rowcount


def _in_progress() -> InProgress:
    return InProgress("Wait a moment and send the same request again.", headers={"Retry-After": "1"})
