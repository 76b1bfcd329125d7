"""The whole stand-in: its store, the clocks of its accounts, and what happens by itself when time passes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stack.stripe.call import Call
from stack.stripe.faults import Faults
from stack.stripe.keys import Keys
from stack.stripe.manners import Manners
from stack.stripe.resources import APPOINTMENTS
from stack.stripe.store import Store


class Double:
    """What every door has in common."""

    def __init__(self, store: Store, site: str) -> None:
        """Work on that store and be reached at that address."""
        self.store = store
        self.site = site
        self.keys = Keys()
        self.faults = Faults()
        # Set whenever there may be something to send or to do.
        self.stirred = threading.Event()

    @contextmanager
    def call(
        self, account: str, *, request: str | None = None, key: str | None = None, at: int | None = None
    ) -> Iterator[Call]:
        """Give one all-or-nothing step on behalf of an account, which begins to exist with its first step."""
        with self.store.transaction() as db:
            row = db.execute("SELECT ahead, manners FROM account WHERE name = ?", (account,)).fetchone()
            if row is None:
                db.execute("INSERT INTO account (name) VALUES (?)", (account,))
            ahead, manners = (row["ahead"], row["manners"]) if row else (0, "{}")
            now = int(time.time()) + ahead if at is None else at
            yield Call(db, account, now, self.site, Manners.read(manners), request, key)
        self.stirred.set()

    def catch_up(self, account: str, *, until: int | None = None) -> int:
        """Do what was due by now, or by `until`, each at its own time; return how much that was."""
        count = 0
        while (at := self._next(account, until)) is not None:
            with self.call(account, at=at) as call:
                row = call.db.execute(
                    "SELECT seq, kind, target FROM appointment WHERE account = ? AND at = ? ORDER BY seq", (account, at)
                ).fetchone()
                # Another thread may have kept it between the two steps.
                if row is not None:
                    call.db.execute("DELETE FROM appointment WHERE seq = ?", (row["seq"],))
                    APPOINTMENTS[row["kind"]](call, row["target"])
                    count += 1
        return count

    def advance(self, account: str, seconds: int) -> int:
        """Put the account's clock forward, with everything that falls into that time; return its new time."""
        with self.call(account) as call:
            target = call.now + seconds
        self.catch_up(account, until=target)
        with self.call(account) as call:
            call.db.execute("UPDATE account SET ahead = ahead + ? WHERE name = ?", (target - call.now, account))
        return target

    def accounts(self) -> list[str]:
        """Return the accounts there are, the latest first."""
        with self.store.transaction() as db:
            return [row["name"] for row in db.execute("SELECT name FROM account ORDER BY rowid DESC")]

    def accounts_due(self) -> list[str]:
        """Return the accounts for which something is due."""
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT DISTINCT account FROM appointment JOIN account ON account.name = appointment.account"
                " WHERE at <= ? + ahead",
                (int(time.time()),),
            ).fetchall()
        return [row["account"] for row in rows]

    def manners(self, account: str) -> Manners:
        """Return an account's settings."""
        with self.store.transaction() as db:
            row = db.execute("SELECT manners FROM account WHERE name = ?", (account,)).fetchone()
        return Manners.read(row["manners"]) if row else Manners()

    def _next(self, account: str, until: int | None) -> int | None:
        with self.store.transaction() as db:
            if until is None:
                row = db.execute("SELECT ahead FROM account WHERE name = ?", (account,)).fetchone()
                until = int(time.time()) + (row["ahead"] if row else 0)
            nearest: int | None
            (nearest,) = db.execute(
                "SELECT min(at) FROM appointment WHERE account = ? AND at <= ?", (account, until)
            ).fetchone()
        return nearest
