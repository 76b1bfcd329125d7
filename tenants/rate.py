"""The rate limiter: GCRA in process, counts exchanged through Redis a few times a second.

A request costs a fraction of a microsecond and no network call. Between two exchanges each process knows only its own
requests, so a tenant can overshoot by what the other processes let through in one interval. With Redis down every
process goes on alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from redis import Redis, RedisError

from app.kit.keys import tenant_key
from tenants.tenant import Tenant

log = logging.getLogger(__name__)

# Seconds between two exchanges of counts.
EXCHANGE = 0.2
# A tenant that was quiet for this long is dropped from memory and Redis (seconds).
FORGET = 60


@dataclass(slots=True)
class _Bucket:
    # Theoretical arrival time of the next conforming request (GCRA, ITU-T I.371).
    tat: float
    interval: float
    used: int = 0
    reported: int = 0
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what to tell the client. `retry_after` and `reset` are seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int


class RateLimiter:
    """Limits requests by tenant at the rate of its tier."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._buckets: dict[UUID, _Bucket] = {}
        self._lock = threading.Lock()
        self._exchanger: threading.Thread | None = None

    def check(self, tenant: Tenant) -> Verdict:
        """Count one request of `tenant` and say whether it conforms to the tier's rate."""
        rate, burst = tenant.tier.rate, tenant.tier.burst
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(tenant.id)
            if bucket is None:
                bucket = self._buckets[tenant.id] = _Bucket(now, 1 / rate)
            bucket.interval = 1 / rate
            tat = max(bucket.tat, now)
            # How far ahead of real time the next request would be, in requests.
            ahead = (tat - now) * rate + 1
            allowed = ahead <= burst
            if allowed:
                bucket.tat = tat + bucket.interval
                bucket.used += 1
        wait = max(0.0, (ahead - burst) / rate)
        return Verdict(
            allowed=allowed,
            limit=rate,
            remaining=max(0, int(burst - ahead)) if allowed else 0,
            reset=max(1, round((ahead - 1) / rate)),
            retry_after=max(1, round(wait + 0.5)) if not allowed else 0,
        )

    def start(self) -> None:
        """Begin to exchange counts with the other processes; call once in each process that serves requests."""
        if self._exchanger is None or not self._exchanger.is_alive():
            self._exchanger = threading.Thread(target=self._run, name="rate-exchange", daemon=True)
            self._exchanger.start()

    def exchange(self) -> None:
        """Report this process's counts and take in what the others let through.

        Raises RedisError when Redis does not answer.
        """
        now = self._clock()
        with self._lock:
            for key in [k for k, b in self._buckets.items() if b.tat < now - FORGET]:
                del self._buckets[key]
            active = [
                (k, b, b.used - b.reported) for k, b in self._buckets.items() if b.tat > now or b.used > b.reported
            ]
        if not active:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            for tenant_id, _, delta in active:
                pipe.incrby(tenant_key(tenant_id, "rate"), delta)
                pipe.expire(tenant_key(tenant_id, "rate"), FORGET)
            totals = pipe.execute()[::2]
        with self._lock:
            for (_, bucket, delta), total in zip(active, totals, strict=True):
                first_look = bucket.reported == 0 and bucket.shared == 0
                others = 0 if first_look or total < bucket.shared else total - bucket.shared - delta
                bucket.tat = max(bucket.tat, now) + max(0, others) * bucket.interval
                bucket.reported += delta
                bucket.shared = total

    def _run(self) -> None:
        warned = False
        while True:
            time.sleep(EXCHANGE)
            try:
                self.exchange()
                warned = False
            except (RedisError, OSError):
                if not warned:
                    log.warning("rate counts are not exchanged; each process limits alone")
                warned = True
