"""Idempotency keys: one answer for each, kept for a day of the account's clock."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stack.stripe.call import Call
from stack.stripe.errors import Refused

_KEPT = 24 * 3_600
_LONGEST = 255


@dataclass(frozen=True)
class Saved:
    """An answer that was given before."""

    request: str
    status: int
    body: str


class Keys:
    """The keys whose first call is still being worked on; they are free again when the process ends."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._busy: set[tuple[str, str]] = set()

    @contextmanager
    def held(self, account: str, key: str | None) -> Iterator[None]:
        """Keep a key from everybody else. Raises Refused when somebody else has it."""
        if key is None:
            yield
            return
        if len(key) > _LONGEST:
            raise Refused(f"The Idempotency-Key is longer than {_LONGEST} characters.")
        with self._lock:
            if (account, key) in self._busy:
                raise Refused(
                    f"There is currently another in-progress request using this idempotent key ('{key}'). "
                    "Try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._busy.add((account, key))
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard((account, key))


def fingerprint(method: str, path: str, tree: dict[str, Any]) -> str:
    """Return what two calls have in common when they ask for the same."""
    return hashlib.sha256(json.dumps([method, path, tree], sort_keys=True).encode()).hexdigest()


def find(call: Call, path: str, mark: str) -> Saved | None:
    """Return the answer that the call's key has already. Raises Refused when it was given to another request."""
    call.db.execute("DELETE FROM answer WHERE account = ? AND at <= ?", (call.account, call.now - _KEPT))
    row = call.db.execute("SELECT * FROM answer WHERE account = ? AND key = ?", (call.account, call.key)).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != mark:
        what = (
            "the same parameters they were first used with"
            if row["path"] == path
            else f"the same endpoint they were first used for ('{path}' vs '{row['path']}')"
        )
        raise Refused(
            f"Keys for idempotent requests can only be used {'with' if row['path'] == path else 'for'} {what}. "
            f"Try using a key other than '{call.key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return Saved(row["request"], row["status"], row["body"])


def save(call: Call, path: str, mark: str, status: int, body: str) -> None:
    """Keep the answer for the call's key, in the transaction of its effect."""
    call.db.execute(
        "INSERT INTO answer (account, key, path, fingerprint, at, request, status, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (call.account, call.key, path, mark, call.now, call.request, status, body),
    )
