"""Remembers for two seconds who a session's actor is, so that most requests ask no database for it.

Whatever takes a right away (sign-out, revocation, suspension, a change of role) is seen at once in the process where it
happened and within `TTL` in every other: the store of truth is PostgreSQL, and no entry outlives two seconds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import event

from tenants.context import Actor, Ctx

TTL = 2.0
_MAX_ENTRIES = 20_000


class ActorCache:
    """Actors by the credential that proved them. Entries end early when their session or user is forgotten."""

    def __init__(self) -> None:
        self._entries: OrderedDict[object, tuple[float, Actor]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: object) -> Actor | None:
        """Return the actor of `key`, or None when it must be read."""
        with self._lock:
            entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None

    def keep(self, key: object, actor: Actor, *, seconds: float = TTL) -> None:
        """Remember `actor` for `seconds`, and never longer than `TTL`."""
        until = time.monotonic() + min(seconds, TTL)
        with self._lock:
            self._entries[key] = (until, actor)
            self._entries.move_to_end(key)
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)

    def drop(self, condition: Callable[[Actor], bool]) -> None:
        """Forget every actor for whom `condition` holds."""
        with self._lock:
            for key in [key for key, (_, actor) in self._entries.items() if condition(actor)]:
                del self._entries[key]


CACHE = ActorCache()


def forget_session(ctx: Ctx, session_id: UUID) -> None:
    """Forget the session's actor when this transaction has committed."""
    _after_commit(ctx, lambda actor: actor.session_id == session_id)


def forget_user(ctx: Ctx, user_id: UUID) -> None:
    """Forget the user's actors when this transaction has committed."""
    _after_commit(ctx, lambda actor: actor.id == user_id)


def _after_commit(ctx: Ctx, condition: Callable[[Actor], bool]) -> None:
    # Not before: a request in between would read and remember the old state again.
    event.listen(ctx.db, "after_commit", lambda session: CACHE.drop(condition), once=True)
