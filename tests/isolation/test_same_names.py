"""What one tenant holds keeps no other waiting, though both do the same under the same names.

One tenant's request is stopped right before its commit, with every lock that it took. The other one then does the very
same: same SKU, same buyer, same key. Had anything been locked under a name without the tenant, it would wait.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from flask import g, has_request_context
from sqlalchemy import event, text

from tenants.sessions import TenantSession
from tests.isolation import street as streets
from tests.isolation.programs import ACTIONS, Side
from tests.isolation.snapshot import Snapshot
from tests.isolation.street import Street

# A request that is refused has locked little: so many names are tried to find one that goes through.
TRIES = 6
# What waits is broken off after seconds by `lock_timeout`, and answered so.
BROKEN_OFF = (503,)

LockName = Callable[[UUID], str]


class Stop:
    """Stops one thread's request before its commit."""

    def __init__(self) -> None:
        self.thread = 0
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, session: TenantSession) -> None:
        """Wait, if it is the one."""
        if threading.get_ident() == self.thread and has_request_context() and g.ctx.db is session:
            self.reached.set()
            assert self.go_on.wait(30)

    def run(self, act: Callable[[], Any]) -> Any:
        """Do as the one that is stopped."""
        self.thread = threading.get_ident()
        try:
            return act()
        finally:
            self.reached.set()


@contextmanager
def stopped(act: Callable[[], Any]) -> Iterator[bool]:
    """Let `act` go on in another thread up to its commit, and to its end after the block; gives if it got there."""
    stop = Stop()
    event.listen(TenantSession, "before_commit", stop)
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(stop.run, act)
            assert stop.reached.wait(30)
            try:
                yield not future.done()
            finally:
                stop.go_on.set()
            future.result(30)
    finally:
        event.remove(TenantSession, "before_commit", stop)


@contextmanager
def locking(name: LockName) -> Iterator[None]:
    """Let every transaction of a tenant begin by taking an advisory lock."""

    def lock(session: TenantSession, transaction: Any, connection: Any) -> None:
        key = name(session.tenant_id)
        connection.execute(text("SELECT pg_advisory_xact_lock(7208, hashtext(:key))"), {"key": key})

    event.listen(TenantSession, "after_begin", lock)
    try:
        yield
    finally:
        event.remove(TenantSession, "after_begin", lock)


def keeps_waiting(street: Street, kind: str, labels: tuple[str, str] = ("A", "B")) -> bool:
    """Say whether one tenant's open transaction keeps the other from doing the same."""
    one, other = (Side(street[label], street.app.test_client(use_cookies=False)) for label in labels)
    act = ACTIONS[kind][1]
    for number in range(TRIES):
        seed = f"{kind}/{number}"
        with stopped(lambda seed=seed: act(one, random.Random(seed))) as got_there:  # type: ignore[misc]
            answer = act(other, random.Random(seed))
        if answer.status_code in BROKEN_OFF:
            return True
        assert answer.status_code < 500, answer.text
        if got_there:
            break
    return False


@pytest.fixture(scope="module", autouse=True)
def as_before(street: Street) -> Iterator[None]:
    """Put the rows of both tenants back at the end: other suites find their things by them."""
    homes = [street["A"].tenant, street["B"].tenant]
    with streets.superuser(street) as above:
        kept = Snapshot(above, [str(home.schema) for home in homes], [home.id for home in homes])
        yield
        kept.restore()


@pytest.mark.parametrize("kind", ACTIONS)
def test_one_tenants_locks_keep_nobody_else_waiting(street: Street, kind: str) -> None:
    assert not keeps_waiting(street, kind)


def test_a_lock_without_the_tenant_in_its_name_would_be_noticed(street: Street) -> None:
    with locking(lambda tenant_id: "products"):
        assert keeps_waiting(street, "list products")
    with locking(lambda tenant_id: f"{tenant_id}/products"):
        assert not keeps_waiting(street, "list products")
