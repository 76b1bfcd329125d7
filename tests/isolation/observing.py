"""What a tenant can observe, without what differs from run to run by nature: ids, times, random secrets."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_OBJECT_KEY = re.compile(r"(tenant/<[^>]+>/[a-z]+/)[A-Za-z0-9_-]{32}")
# Random by nature: links that are signed, tokens, cursors.
_SECRETS = frozenset({"next_cursor", "back_cursor", "url", "download_url", "sealed", "token", "request_id",
                      "instance", "lease_token", "password_hash", "token_hash", "secret_hash"})  # fmt: skip
# Shared by all tenants on purpose: one sequence orders all events, and who runs a job and when is the workers' affair.
# The size of a compressed file hangs on the random ids in it, and its last step on how long the first ones took.
_PASSING = frozenset({"seq", "worker", "lease_until", "heartbeat_at", "duration_ms", "size", "bytes", "step"})
_HEADERS = (
    "Content-Type",
    "Location",
    "ETag",
    "Idempotency-Replayed",
    "Cache-Control",
    "Retry-After",
    "RateLimit-Limit",
)


class Observer:
    """Tells answers and rows in words that are the same in every run."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def answer(self, answer: Any) -> str:
        """Return what an answer says."""
        headers = {name: self.text(answer.headers[name]) for name in _HEADERS if name in answer.headers}
        document = answer.get_json(force="json" in (answer.mimetype or ""), silent=True)
        # A document may be announced and empty, as in the answer to HEAD.
        body = answer.text if document is None else self._value(document)
        return json.dumps([answer.status_code, headers, body], sort_keys=True)

    def rows(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> Counter[str]:
        """Return what all rows say, each with how often it is there."""
        return Counter(f"{table} {json.dumps(self._value(row, known=True), sort_keys=True)}" for table, row in rows)

    def text(self, text: str, *, known: bool = False) -> str:
        """Return `text` with ids named in the order of their appearance; `known`: new ones get no name."""
        text = _ID.sub(lambda found: self._name(found[0], known), text)
        text = _OBJECT_KEY.sub(r"\1<key>", text)
        return _HASH.sub("<hash>", _TIME.sub("<time>", text))

    def _name(self, found: str, known: bool) -> str:
        if known:
            return self._names.get(found, "<id>")
        return self._names.setdefault(found, f"<id {len(self._names)}>")

    def _value(self, value: Any, *, known: bool = False) -> Any:
        if isinstance(value, dict):
            return {k: self._field(k, v, known) for k, v in value.items() if k not in _PASSING}
        if isinstance(value, list):
            return [self._value(one, known=known) for one in value]
        if not isinstance(value, str):
            return value
        if value.startswith("\\x"):
            return self._bytes(value, known)
        return self.text(value, known=known)

    def _field(self, name: str, value: Any, known: bool) -> Any:
        if name in _SECRETS:
            return value is not None
        return self._value(value, known=known)

    def _bytes(self, value: str, known: bool) -> Any:
        try:
            text = bytes.fromhex(value[2:]).decode()
            return self._value(json.loads(text), known=known)
        except ValueError:
            return "<bytes>"
