"""What runs beside the doors: keeps the appointments, and sends what is due until it arrives or is given up."""

import json
import random
import sqlite3
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from stack.stripe import post, signature
from stack.stripe.call import Call
from stack.stripe.double import Double
from stack.stripe.endpoints import secrets_of
from stack.stripe.events import with_pending
from stack.stripe.manners import Manners

_THREADS = 32
# A clock may be put forward by another process's hand: look again after this time, whatever was planned.
_LOOK_EVERY = 5.0
_SOON = 0.02


class Sender:
    """A thread that plans, and threads that send."""

    def __init__(self, double: Double) -> None:
        """Begin to work."""
        self._double = double
        self._arrived = threading.Condition()
        self._pool = ThreadPoolExecutor(_THREADS, "delivery")
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def settle(self, account: str, *, within: float) -> bool:
        """Return when nothing of the account is due or on its way, or false when the time is over."""
        deadline = time.monotonic() + within
        while self._busy(account):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._arrived:
                self._arrived.wait(min(left, _SOON))
        return True

    def _run(self) -> None:
        while True:
            self._double.stirred.clear()
            try:
                pause = self._step()
            except Exception:  # the thread must outlive whatever one appointment holds
                traceback.print_exc(file=sys.stderr)
                pause = 1.0
            self._double.stirred.wait(pause)

    def _step(self) -> float:
        now = time.time()
        for account in self._double.accounts_due():
            self._double.catch_up(account)
        for row in self._claim(now):
            self._pool.submit(self._deliver, row["account"], row["id"])
        return self._pause(now)

    def _claim(self, now: float) -> list[sqlite3.Row]:
        """Mark what is to be sent now, and return it in the order in which each account wants it."""
        with self._double.store.transaction() as db:
            busy = Counter(
                row["endpoint"] for row in db.execute("SELECT endpoint FROM delivery WHERE state = 'sending'")
            )
            rows = db.execute(
                "SELECT delivery.*, manners FROM delivery JOIN account ON account.name = delivery.account"
                " WHERE state = 'waiting' AND due_at <= ? + ahead ORDER BY delivery.account, due_at, delivery.seq",
                (now,),
            ).fetchall()
            chosen = []
            for row, manners in _in_order(rows):
                if not manners.hold and busy[row["endpoint"]] < manners.concurrency:
                    busy[row["endpoint"]] += 1
                    chosen.append(row)
            db.executemany("UPDATE delivery SET state = 'sending' WHERE id = ?", [(row["id"],) for row in chosen])
        return chosen

    def _pause(self, now: float) -> float:
        """Return the seconds until the next delivery or appointment."""
        with self._double.store.transaction() as db:
            (wait,) = db.execute(
                "SELECT min(at - ahead) - ? FROM (SELECT account AS name, due_at AS at FROM delivery"
                " WHERE state = 'waiting' UNION ALL SELECT account, at FROM appointment) JOIN account USING (name)"
                " WHERE at - ahead > ?",
                (now, now),
            ).fetchone()
        # What is due and was not claimed is held, or waits for another delivery, whose end stirs this thread.
        return _LOOK_EVERY if wait is None else min(max(wait, _SOON), _LOOK_EVERY)

    def _deliver(self, account: str, key: str) -> None:
        try:
            self._attempt(account, key)
        finally:
            with self._arrived:
                self._arrived.notify_all()
            self._double.stirred.set()

    def _attempt(self, account: str, key: str) -> None:
        with self._double.call(account) as call:
            row = call.db.execute("SELECT * FROM delivery WHERE id = ?", (key,)).fetchone()
            endpoint = call.find("webhook_endpoint", row["endpoint"])
            if endpoint is None or endpoint["status"] != "enabled":
                _move(call, key, "stopped", row["due_at"])
                return
            event = with_pending(call, call.get("event", row["event"]))
            body = json.dumps(event, indent=2).encode()
            secrets = secrets_of(call, endpoint["id"])
            timeout = call.manners.timeout
        # Signed by the real clock, as the receiver looks at his own; the account's may be days ahead.
        signed = signature.header(body, secrets, int(time.time()))
        outcome = post.post(endpoint["url"], body, signed, timeout=timeout)
        with self._double.call(account) as call:
            call.db.execute(
                "INSERT INTO attempt (delivery, at, status, said, took_ms) VALUES (?, ?, ?, ?, ?)",
                (key, call.now, outcome.status, outcome.said, outcome.took_ms),
            )
            tried = row["attempts"] + 1
            call.db.execute("UPDATE delivery SET attempts = ? WHERE id = ?", (tried, key))
            if outcome.fine:
                _move(call, key, "delivered", row["due_at"])
            elif tried > len(call.manners.retries):
                _move(call, key, "failed", row["due_at"])
            else:
                _move(call, key, "waiting", row["first_at"] + call.manners.retries[tried - 1])

    def _busy(self, account: str) -> bool:
        with self._double.store.transaction() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM delivery JOIN account ON account.name = delivery.account WHERE account.name = ?"
                " AND (state = 'sending' OR state = 'waiting' AND due_at <= ? + ahead"
                " AND NOT coalesce(json_extract(manners, '$.hold'), 0))",
                (account, time.time()),
            ).fetchone()
        return bool(count)


def _move(call: Call, key: str, state: str, due: float) -> None:
    call.db.execute("UPDATE delivery SET state = ?, due_at = ? WHERE id = ?", (state, due, key))


def _in_order(rows: Sequence[sqlite3.Row]) -> Iterable[tuple[sqlite3.Row, Manners]]:
    found = [(row, Manners.read(row["manners"])) for row in rows]
    by_account: dict[str, list[tuple[sqlite3.Row, Manners]]] = {}
    for each in found:
        by_account.setdefault(each[0]["account"], []).append(each)
    for some in by_account.values():
        order = some[0][1].order
        if order == "reversed":
            some.reverse()
        elif order == "shuffled":
            random.shuffle(some)
        yield from some
