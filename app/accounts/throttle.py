"""Slows guessing down: counters in PostgreSQL, so that they survive everything else, with delays that grow.

An attempt is counted before it is tried and given back when it was right. So a hundred guesses sent at once cannot all
pass before the first of them is counted.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.errors import TriedTooOften
from app.accounts.models import Throttle
from app.kit.ids import new_id
from tenants.context import Ctx


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` tries in a window; each one after that doubles the wait, from `first` seconds up to `longest`."""

    name: str
    free: int
    window: timedelta
    first: float
    longest: float

    def wait(self, hits: int) -> float:
        """Return how many seconds must pass after try number `hits`."""
        over = hits - self.free
        return 0.0 if over <= 0 else min(self.first * 2.0 ** min(over - 1, 30), self.longest)


# At most 85 guesses at one account a day. A known browser and a mailed link have counters of their own, so an attack
# on the account cannot keep its owner out.
ACCOUNT = Rule("signin.account", free=5, window=timedelta(days=1), first=5, longest=1200)
DEVICE = Rule("signin.device", free=10, window=timedelta(days=1), first=5, longest=600)
ADDRESS = Rule("signin.address", free=60, window=timedelta(minutes=15), first=30, longest=900)
# Short waits only: a flood against the whole tenant must not become a lock on the whole tenant.
TENANT = Rule("signin.tenant", free=1000, window=timedelta(hours=1), first=1, longest=15)
FORGOT = Rule("forgot.account", free=3, window=timedelta(hours=1), first=300, longest=3600)
FORGOT_ADDRESS = Rule("forgot.address", free=30, window=timedelta(hours=1), first=60, longest=3600)
INVITE = Rule("invite.tenant", free=200, window=timedelta(days=1), first=60, longest=3600)
VERIFY = Rule("verify.account", free=5, window=timedelta(hours=1), first=60, longest=3600)
SIGNUP_ADDRESS = Rule("signup.address", free=20, window=timedelta(hours=1), first=60, longest=3600)
PASSWORD = Rule("password.account", free=5, window=timedelta(hours=1), first=30, longest=1200)


@dataclass(frozen=True, slots=True)
class Try:
    """One thing that is counted: a rule, and whom it counts."""

    rule: Rule
    subject: str

    @property
    def scope(self) -> str:
        """The name of the counter; the subject is hashed, so that the table names nobody."""
        return f"{self.rule.name}:{hashlib.sha256(self.subject.encode('utf-8', 'surrogatepass')).hexdigest()}"


def charge(ctx: Ctx, tries: Iterable[Try]) -> int:
    """Count one try each; return for how many seconds it must not be made, 0 when it may be made now."""
    wait = 0.0
    # In one order everywhere, so that two attempts never wait for each other.
    for one in sorted(tries, key=lambda item: item.scope):
        row = _locked(ctx, one)
        wait = max(wait, _count(row, one.rule, ctx.now))
    ctx.db.flush()
    return math.ceil(wait)


def demand(ctx: Ctx, *tries: Try) -> None:
    """Count one try each.

    Raises TriedTooOften.
    """
    wait = charge(ctx, tries)
    if wait:
        raise too_often(wait)


def forgive(ctx: Ctx, tries: Iterable[Try], *, forget: Iterable[Try] = ()) -> None:
    """Give a try back that was right; counters in `forget` start anew."""
    for one in sorted(tries, key=lambda item: item.scope):
        ctx.db.execute(
            update(Throttle)
            .where(Throttle.tenant_id == ctx.tenant.id, Throttle.scope == one.scope)
            .values(hits=func.greatest(Throttle.hits - 1, 0))
            .execution_options(synchronize_session=False)
        )
    for one in sorted(forget, key=lambda item: item.scope):
        ctx.db.execute(
            update(Throttle)
            .where(Throttle.tenant_id == ctx.tenant.id, Throttle.scope == one.scope)
            .values(hits=0, blocked_until=None)
            .execution_options(synchronize_session=False)
        )


def too_often(wait: int) -> TriedTooOften:
    """Build the refusal that says when to come back."""
    words = f"{wait} seconds" if wait < 120 else f"{math.ceil(wait / 60)} minutes"
    return TriedTooOften(f"Try again in {words}.", headers={"Retry-After": str(wait)})


def prefix_of(ip: str) -> str:
    """Return the network that one household or office shares: a /24 of IPv4, a /56 of IPv6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 56), strict=False))


def _locked(ctx: Ctx, one: Try) -> Throttle:
    fresh = insert(Throttle).values(
        tenant_id=ctx.tenant.id, id=new_id(), scope=one.scope, hits=0, window_from=ctx.now, blocked_until=None
    )
    ctx.db.execute(fresh.on_conflict_do_nothing(index_elements=[Throttle.tenant_id, Throttle.scope]))
    return ctx.db.scalars(
        select(Throttle).where(Throttle.scope == one.scope).with_for_update(),
        execution_options={"populate_existing": True},
    ).one()


def _count(row: Throttle, rule: Rule, now: datetime) -> float:
    """Count one try on a locked row; return the seconds that are left of a wait. While it lasts nothing is counted."""
    if row.blocked_until is not None and row.blocked_until > now:
        return (row.blocked_until - now).total_seconds()
    if now - row.window_from > rule.window:
        row.hits, row.window_from = 0, now
    row.hits += 1
    wait = rule.wait(row.hits)
    row.blocked_until = now + timedelta(seconds=wait) if wait else None
    return 0.0


class ProcessLimit:
    """A limit where there is no tenant to keep a counter in: `count` in `seconds` for each subject, in this process."""

    def __init__(self, count: int, seconds: float) -> None:
        self._gap, self._burst = seconds / count, seconds
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def demand(self, subject: str) -> None:
        """Count one.

        Raises TriedTooOften.
        """
        now = time.monotonic()
        with self._lock:
            if len(self._due) > 10_000:
                self._due = {key: due for key, due in self._due.items() if due > now}
            due = max(self._due.get(subject, now), now) + self._gap
            if due - now > self._burst:
                raise too_often(math.ceil(due - now - self._burst) or 1)
            self._due[subject] = due
