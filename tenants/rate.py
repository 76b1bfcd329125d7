"""The rate limiter: GCRA in process, counts exchanged through Redis a few times a second.

A request costs a fraction of a microsecond and no network call. Between two exchanges each process knows only its own
requests, so a tenant can overshoot by what the other processes let through in one interval. With Redis down every
process goes on alone, at its part of the rate: the rate by the number of processes that it saw there last.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from redis import Redis, RedisError

from app.kit.keys import platform_key, tenant_key
from tenants.tenant import Tenant

log = logging.getLogger(__name__)

# Seconds between two exchanges of counts.
EXCHANGE = 0.2
# A tenant that was quiet for this long is dropped from memory and Redis (seconds).
FORGET = 60
# A process that has exchanged nothing for so long no longer counts (seconds).
GONE = 3
PROCESSES = platform_key("rate", "processes")
# By the clock of Redis: those of several machines differ.
_SIGN_IN = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""


@dataclass(slots=True)
class _Bucket:
    # Theoretical arrival time of the next conforming request (GCRA, ITU-T I.371).
    tat: float
    interval: float
    used: int = 0
    reported: int = 0
    # The count of all processes when this one last looked; None before it has.
    shared: int | None = None


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
        self._mark = uuid4().hex
        # How many share the rates, and among how many they are cut up: 1 as long as counts are exchanged.
        self._processes = self._parts = 1

    def check(self, tenant: Tenant) -> Verdict:
        """Count one request of `tenant` and say whether it conforms to the tier's rate."""
        now = self._clock()
        with self._lock:
            rate, burst = tenant.tier.rate / self._parts, max(1.0, tenant.tier.burst / self._parts)
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
            limit=tenant.tier.rate,
            remaining=max(0, int(burst - ahead)) if allowed else 0,
            reset=max(1, round((ahead - 1) / rate)),
            retry_after=max(1, round(wait + 0.5)) if not allowed else 0,
        )

    def start(self) -> None:
        """Begin to exchange counts with the other processes; call once in each process that serves requests."""
        if self._exchanger is None or not self._exchanger.is_alive():
            # A process that was forked is one of its own.
            self._mark = uuid4().hex
            self._exchanger = threading.Thread(target=self._run, name="rate-exchange", daemon=True)
            self._exchanger.start()

    def exchange(self) -> None:
        """Report this process's counts and take in what the others let through.

        Raises RedisError when Redis does not answer; from then on the process goes on alone, until it does.
        """
        now = self._clock()
        with self._lock:
            for key in [k for k, b in self._buckets.items() if b.tat < now - FORGET]:
                del self._buckets[key]
            active = [
                (k, b, b.used - b.reported) for k, b in self._buckets.items() if b.tat > now or b.used > b.reported
            ]
        try:
            processes, totals = self._report({tenant_id: delta for tenant_id, _, delta in active})
        except (RedisError, OSError):
            self._go_on_alone()
            raise
        with self._lock:
            self._processes, self._parts = max(1, processes), 1
            for (_, bucket, delta), total in zip(active, totals, strict=True):
                others = 0 if bucket.shared is None or total < bucket.shared else total - bucket.shared - delta
                bucket.tat = max(bucket.tat, now) + max(0, others) * bucket.interval
                bucket.reported += delta
                bucket.shared = total

    def _report(self, counts: Mapping[UUID, int]) -> tuple[int, list[int]]:
        """Add to the shared counts; return how many processes do so, and the sum of each count."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.eval(_SIGN_IN, 1, PROCESSES, self._mark, str(GONE))
            for tenant_id, count in counts.items():
                pipe.incrby(tenant_key(tenant_id, "rate"), count)
                pipe.expire(tenant_key(tenant_id, "rate"), FORGET)
            processes, *answers = pipe.execute()
        return processes, answers[::2]

    def _go_on_alone(self) -> None:
        with self._lock:
            self._parts = self._processes
            for bucket in self._buckets.values():
                # What passes meanwhile is told to nobody: told later, it would count against a time that is over.
                bucket.reported, bucket.shared = bucket.used, None

    def _run(self) -> None:
        warned = False
        while True:
            time.sleep(EXCHANGE)
            try:
                self.exchange()
                warned = False
            except (RedisError, OSError):
                if not warned:
                    log.warning("rate counts are not exchanged; each of %d processes limits alone", self._processes)
                warned = True
