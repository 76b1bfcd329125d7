"""What a request leaves behind: one log line and bounded metrics (tier, endpoint, status class; never a tenant)."""

from __future__ import annotations

import logging
import time
from functools import cache

from flask import Response, g, request
from prometheus_client import Counter, Histogram

from tenants.tenant import Tenant

log = logging.getLogger("terrace.request")

_SECONDS = Histogram("terrace_request_seconds", "Time to answer a request.", ("endpoint", "status"),
                     buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5))  # fmt: skip
_CALLS = Counter("terrace_tenant_calls", "Requests that belonged to a tenant.", ("tier", "status"))


@cache
def _observer(endpoint: str, status: str) -> Histogram:
    return _SECONDS.labels(endpoint, status)


@cache
def _caller(tier: str, status: str) -> Counter:
    return _CALLS.labels(tier, status)


def start() -> None:
    """Note when the request came in."""
    g.clock = time.perf_counter()


def record(response: Response) -> Response:
    """Count the request and write its line; for `after_request`."""
    seconds = time.perf_counter() - g.get("clock", time.perf_counter())
    status = f"{response.status_code // 100}xx"
    tenant: Tenant | None = g.get("tenant")
    _observer(request.endpoint or "none", status).observe(seconds)
    if tenant is not None:
        _caller(tenant.tier.name, status).inc()
    # Tenant, tier, function and request id are bound fields of every line already.
    fields = {"method": request.method, "status": response.status_code, "duration_ms": round(seconds * 1000, 1)}
    log.info("request", extra=fields)
    return response
