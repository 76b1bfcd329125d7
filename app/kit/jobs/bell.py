"""The bell that wakes workers. PostgreSQL is the ledger: a bell that is lost costs seconds, never a job."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from uuid import UUID

from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.kit.ids import new_id
from app.kit.jobs.envelope import Envelope, Sealer
from app.kit.keys import platform_key

log = logging.getLogger(__name__)

# The only function that a worker agrees to run; see `tenants/horse.py`.
ENTRY = "worker.perform"
OUTBOX_BELL = platform_key("bell", "outbox")
# While Redis is away a request must not wait for it again and again.
_PAUSE = 1.0
_QUIET = 60.0
_KEEP_FAILED = 60
# Whoever answers a bell goes on while its queue has work: more bells than workers would only wake them for nothing.
ENOUGH = 8


class Bell:
    """Rings for jobs and for the outbox; swallows every failure of Redis and says so once a minute."""

    def __init__(self, redis: Redis, secret_key: str) -> None:
        self._redis = redis
        self._sealer = Sealer(secret_key)
        self._silent_until = 0.0
        self._said_at = -_QUIET

    def ring_job(self, queue: str, tenant_id: UUID, job_id: UUID) -> None:
        """Wake a worker of `queue` for one job of the ledger, unless enough bells hang there already."""
        if self._silent():
            return
        try:
            rq = Queue(queue, connection=self._redis, serializer=JSONSerializer)
            if rq.count >= ENOUGH:
                return
            # No timeout of RQ's own: the runner keeps the one that the job's declaration names.
            rq.enqueue_call(
                ENTRY,
                kwargs=self._sealer.seal(Envelope(tenant_id, job_id)),
                # A fresh id: the end of an earlier ring would delete a later one of the same name.
                job_id=new_id().hex,
                timeout=-1,
                result_ttl=0,
                failure_ttl=_KEEP_FAILED,
            )
        except (RedisError, OSError) as error:
            self._failed(error)

    def ring_outbox(self) -> None:
        """Wake the relay; any number of rings before it looks are one."""
        if self._silent():
            return
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.lpush(OUTBOX_BELL, "1")
            pipe.ltrim(OUTBOX_BELL, 0, 0)
            pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)

    def hangs(self, queues: Sequence[str]) -> bool:
        """Say whether a bell waits in one of `queues`; without Redis none does."""
        if self._silent():
            return False
        try:
            return any(Queue(name, connection=self._redis).count for name in queues)
        except (RedisError, OSError) as error:
            self._failed(error)
            return False

    def disconnect(self) -> None:
        """Drop the connections; after an interrupt, since one may hold an answer that nobody read."""
        self._redis.connection_pool.disconnect()

    def _silent(self) -> bool:
        return time.monotonic() < self._silent_until

    def _failed(self, error: Exception) -> None:
        now = time.monotonic()
        self._silent_until = now + _PAUSE
        if now - self._said_at >= _QUIET:
            self._said_at = now
            log.warning("The bell could not ring; the reconciler will", extra={"error": type(error).__name__})
