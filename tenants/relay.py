"""The outbox relay: hands every committed event to its handlers, as one job each.

Events are found by "not relayed yet", never by "after the last one seen": transactions commit in another order than
they took their numbers, and an event with a lower number may appear later. One relay works at a time, so that the
events of one thing reach the ledger in their order; a second one waits as a spare.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis import RedisError
from sqlalchemy import select, text, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from app.kit.desk import Outbox
from app.kit.jobs.bell import OUTBOX_BELL
from app.kit.jobs.ledger import database_now
from app.kit.jobs.queueing import enqueue
from app.kit.redis_client import connect
from tenants.sessions import PlatformSession

if TYPE_CHECKING:
    from tenants.runtime import Runtime

log = logging.getLogger(__name__)

BATCH = 200
# Without a bell the outbox is still looked at this often (seconds).
LISTEN = 1
WITHOUT_REDIS = 0.5
AFTER_TROUBLE = 1.0
_ONE_RELAY = text("SELECT pg_try_advisory_xact_lock(7207, 1)")


class Relay:
    """Moves events from the outbox to the job ledger."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._redis = connect(runtime.settings.redis_url, timeout=LISTEN + 2)

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set; nothing that fails here ends the loop."""
        while not stop.is_set():
            try:
                while self.drain() and not stop.is_set():
                    pass
            except SQLAlchemyError:
                log.exception("The relay could not work; it will try again")
                stop.wait(AFTER_TROUBLE)
            self._listen(stop)

    def drain(self) -> int:
        """Relay one batch in every database and return how many events that were."""
        return sum(self._drain(name) for name in self._runtime.databases.names())

    def _drain(self, database: str) -> int:
        with self._runtime.platform(database) as session:
            if not session.execute(_ONE_RELAY).scalar_one():
                return 0
            events = _pending(session)
            if not events:
                return 0
            now = database_now(session)
            for event in events:
                self._hand_out(session, event)
            ids = [(event.tenant_id, event.id) for event in events]
            done = update(Outbox).where(tuple_(Outbox.tenant_id, Outbox.id).in_(ids)).values(relayed_at=now)
            session.execute(done, execution_options={"synchronize_session": False})
        return len(events)

    def _hand_out(self, session: PlatformSession, event: Any) -> None:
        for kind in self._runtime.handlers.get(event.type, ()):
            enqueue(
                session,
                self._runtime.jobs.get(kind),
                {"event": _as_args(event)},
                tenant_id=event.tenant_id,
                now=event.occurred_at,
                # Once for each event and handler, however often the relay hands it out.
                dedupe_key=f"event:{event.id}:{kind}",
                # One thing's events in their order; those of other things do not wait for them.
                ordering_key=f"{kind}:{event.aggregate_id}",
                actor_id=event.actor_id,
                request_id=event.request_id,
            )

    def _listen(self, stop: threading.Event) -> None:
        try:
            self._redis.blpop([OUTBOX_BELL], timeout=LISTEN)
        except (RedisError, OSError):
            stop.wait(WITHOUT_REDIS)


def _pending(session: PlatformSession) -> Sequence[Any]:
    columns = (
        Outbox.tenant_id,
        Outbox.id,
        Outbox.type,
        Outbox.aggregate_id,
        Outbox.payload,
        Outbox.actor_id,
        Outbox.request_id,
        Outbox.occurred_at,
    )
    waiting = select(*columns).where(Outbox.relayed_at.is_(None)).order_by(Outbox.seq).limit(BATCH)
    return session.execute(waiting.with_for_update(skip_locked=True)).all()


def _as_args(event: Any) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "type": event.type,
        "aggregate_id": str(event.aggregate_id),
        "occurred_at": event.occurred_at.isoformat(),
        "payload": event.payload,
        "actor_id": str(event.actor_id) if event.actor_id else None,
    }
