"""Keyset paging: a cursor names the last row of a page, never an offset.

A cursor is opaque and signed over the tenant and the list it belongs to (route, filters, order), so that it is good for
exactly that list: another tenant's, an altered or an invented one is refused like any wrong field.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.kit.errors import Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_MAC_BYTES = 16
Query = Select[*tuple[Any, ...]]
_WRONG = "This cursor belongs to another list. Start again from the first page."


@dataclass(frozen=True, slots=True)
class ListKey:
    """What a cursor is bound to. `scope` is a stable text of the route, its filters and its order."""

    secret: str
    tenant_id: UUID
    scope: str

    def mac(self, payload: bytes) -> bytes:
        """Return the signature of `payload` for this list."""
        key = _signing_key(self.secret)
        message = self.tenant_id.bytes + hashlib.sha256(self.scope.encode()).digest() + payload
        return hmac.digest(key, message, hashlib.sha256)[:_MAC_BYTES]


@lru_cache(maxsize=4)
def _signing_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"terrace.cursor.v1", hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row to go on from, and in which direction: its value in the sort column and its id."""

    value: Any
    id: UUID
    back: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered: by `column`, then by id in the same direction."""

    column: InstrumentedAttribute[Any] | Column[Any]
    id: InstrumentedAttribute[UUID] | Column[UUID]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursors to the pages beside it."""

    items: Sequence[Any]
    next_cursor: str | None
    back_cursor: str | None


def encode(key: ListKey, cursor: Cursor) -> str:
    """Return `cursor` as opaque text."""
    value = {"t": cursor.value.isoformat()} if isinstance(cursor.value, datetime) else cursor.value
    payload = orjson.dumps([value, cursor.id.hex, int(cursor.back)])
    return base64.urlsafe_b64encode(key.mac(payload) + payload).rstrip(b"=").decode()


def decode(key: ListKey, text: str) -> Cursor:
    """Return the cursor in `text`.

    Raises Invalid when it was not made for this list.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError):
        raise Invalid.field("cursor", _WRONG) from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, key.mac(payload)):
        raise Invalid.field("cursor", _WRONG)
    value, id_hex, back = orjson.loads(payload)
    if isinstance(value, dict):
        value = datetime.fromisoformat(value["t"])
    return Cursor(value, UUID(id_hex), bool(back))


def paged(query: Query, order: Order, cursor: Cursor | None, limit: int) -> Query:
    """Return `query` ordered and cut to one page and one row more, which says whether there is a next page."""
    backwards = cursor is not None and cursor.back
    descending = order.descending != backwards
    if cursor is not None:
        here: ColumnElement[Any] = tuple_(order.column, order.id)
        there = tuple_(literal(cursor.value, order.column.type), literal(cursor.id, order.id.type))
        query = query.where(here < there if descending else here > there)
    columns = (order.column.desc(), order.id.desc()) if descending else (order.column.asc(), order.id.asc())
    return query.order_by(*columns).limit(limit + 1)


def page_of(rows: Sequence[Any], order: Order, cursor: Cursor | None, limit: int, key: ListKey) -> Page:
    """Cut what `paged` found to a page, in the list's own order, with the cursors to its neighbours."""
    backwards = cursor is not None and cursor.back
    more = len(rows) > limit
    items = list(rows[:limit])
    if backwards:
        items.reverse()
    if not items:
        return Page(items, None, None)

    def at(row: Any, *, back: bool) -> str:
        return encode(key, Cursor(getattr(row, order.column.key), row.id, back))

    has_next = backwards or more
    has_back = more if backwards else cursor is not None
    return Page(
        items,
        at(items[-1], back=False) if has_next else None,
        at(items[0], back=True) if has_back else None,
    )
