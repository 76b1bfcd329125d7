"""Clients of Redis that give up quickly: everything that asks Redis here can do without an answer."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def connect(url: str, *, timeout: float = 2.0, again: int = 1) -> Redis:
    """Return a client that waits at most `timeout` seconds for an answer and tries a broken connection `again`.

    The library's own choice would hold a request for seconds before it says that Redis is away.
    """
    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=min(timeout, 1.0), retry=Retry(NoBackoff(), again)
    )
