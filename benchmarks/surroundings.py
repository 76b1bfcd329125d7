"""What a request pays for being a tenant's: resolver, credential, actor, rate limit and binding, in per cent of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from app.accounts.authenticator import BearerAuthenticator
from benchmarks.figures import Figure
from benchmarks.products import fill, listing
from benchmarks.rounds import on_one_core
from benchmarks.site import Site
from tenants import databases
from tenants.rate import RateLimiter
from tenants.resolver import Resolver

BOUND = 15.0
_ROUNDS, _COUNT = 15, 60
# Where the time goes in; each is called once in a request, the second time from no other of them.
_SEAMS: tuple[tuple[str, Any, str], ...] = (
    ("resolve", Resolver, "by_host"),
    ("credential", BearerAuthenticator, "claim"),
    ("actor", BearerAuthenticator, "actor"),
    ("rate limit", RateLimiter, "check"),
    ("bind", databases, "_send"),
)


def run(site: Site) -> list[Figure]:
    """Measure an authenticated list of fifty by the clock on the wall, and the parts in it."""
    tenant, owner = site.tenant("enterprise")
    fill(site, tenant, 500)
    ask = listing(site, tenant, owner)
    with on_one_core():
        shares = [_share(ask) for _ in range(_ROUNDS)]
    parts = {name: median(share[name] for share in shares) for name, _, _ in _SEAMS}
    whole = median(sum(share.values()) for share in shares)
    told = ", ".join(f"{name} {share:.1f}" for name, share in parts.items())
    return [Figure(f"share of a request: {told}", whole, "%", bound=BOUND)]


def _share(ask: Callable[[], Any]) -> dict[str, float]:
    """Return what per cent of a request each part takes."""
    spent = dict.fromkeys((name for name, _, _ in _SEAMS), 0.0)
    for _ in range(5):
        ask()
    with ExitStack() as stack:
        for name, owner, attribute in _SEAMS:
            stack.enter_context(_timed(owner, attribute, name, spent))
        began = time.perf_counter()
        for _ in range(_COUNT):
            ask()
        whole = time.perf_counter() - began
    return {name: 100 * taken / whole for name, taken in spent.items()}


@contextmanager
def _timed(owner: Any, attribute: str, name: str, spent: dict[str, float]) -> Iterator[None]:
    before = getattr(owner, attribute)

    def timed(*args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return before(*args, **options)
        finally:
            spent[name] += time.perf_counter() - began

    setattr(owner, attribute, timed)
    try:
        yield
    finally:
        setattr(owner, attribute, before)
