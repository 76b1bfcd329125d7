"""Clients of several tenants: they read and write without pause, repeat what failed, and remember what was promised."""

from __future__ import annotations

import http.client
import json
import random
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.model import Answered, Model, Promise, Record, now

# No answer may take longer, whatever is broken (seconds).
PATIENCE = 15.0
# Between two requests of one client: what the background gets to do must be less than it can.
PAUSE = 0.15
SHORT_PAUSE = 0.2


@dataclass(frozen=True)
class Way:
    """Where a tenant is reached, and by which right."""

    port: int
    host: str
    token: str
    product_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 for nothing."""

    status: int
    body: bytes = b""
    why: str = ""

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class Client:
    """One client on one kept connection, which it opens anew whenever it must."""

    way: Way
    record: Record
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def send(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """Send one request and note how it went; never raises for a broken connection."""
        headers = {"Host": f"{self.way.host}:{self.way.port}", "Authorization": f"Bearer {self.way.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        began = now()
        answer = self._exchange(method, path, None if body is None else json.dumps(body), headers)
        what = f"{method} {path.split('?', maxsplit=1)[0]}{answer.why}"
        self.record.note(Answered(began, now() - began, answer.status, what))
        return answer

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.way.port, timeout=PATIENCE)
        try:
            self._connection.request(method, path, body=body, headers=headers)
            got = self._connection.getresponse()
            return Answer(got.status, got.read())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(0, why=f" {type(error).__name__}")


class Shopper(threading.Thread):
    """Reads and writes in one tenant until it is told to stop."""

    def __init__(self, way: Way, model: Model, others: list[str], record: Record, *, seed: int) -> None:
        super().__init__(name=f"shopper-{way.host}-{seed}", daemon=True)
        self._way = way
        self._model = model
        self._others = [canary.encode() for canary in others]
        self._record = record
        self._client = Client(way, record)
        self._dice = random.Random(seed)
        self.stopping = threading.Event()

    def run(self) -> None:
        """Shop."""
        acts = (self._list, self._read, self._order, self._add, self._export)
        weights = (12, 6, 4, 4, 1)
        while not self.stopping.wait(PAUSE * self._dice.random() * 2):
            (act,) = self._dice.choices(acts, weights)
            try:
                act()
            except (ValueError, KeyError) as error:
                self._record.accuse(f"an answer that cannot be read: {error!r}")
        self._client.close()

    def _list(self) -> None:
        self._look(self._client.send("GET", "/api/v1/products?limit=20"))

    def _read(self) -> None:
        promises = [p for p in list(self._model.acknowledged.values()) if p.kind == "product"]
        if promises:
            promise = self._dice.choice(promises)
            answer = self._client.send("GET", f"/api/v1/products/{promise.id}")
            self._look(answer)
            if answer.status == 404:
                self._record.accuse(f"an acknowledged product is gone: {promise.key}")

    def _add(self) -> None:
        key = uuid.uuid4().hex
        body = {"name": f"{self._model.canary} {key[:6]}", "sku": key, "price": "2.00", "currency": "EUR"}
        self._write("product", "/api/v1/products", body, key)

    def _order(self) -> None:
        key = uuid.uuid4().hex
        body = {
            "customer_email": "ada@brook.example",
            "items": [{"product_id": self._way.product_id, "quantity": 1}],
            "note": f"{self._model.canary} {key}",
        }
        self._write("order", "/api/v1/orders", body, key)

    def _export(self) -> None:
        self._write("export", "/api/v1/exports", {"resource": "products", "format": "csv"}, uuid.uuid4().hex)

    def _write(self, kind: str, path: str, body: dict[str, Any], key: str) -> None:
        """Send one write under one key until it is acknowledged or refused."""
        self._model.unknown.add(key)
        while True:
            answer = self._client.send("POST", path, body, key=key)
            self._look(answer)
            if 200 <= answer.status < 300:
                self._model.acknowledged[key] = Promise(kind, key, str(answer.json["id"]))
                self._model.unknown.discard(key)
                return
            if answer.status not in (0, 409, 429, 503):
                self._record.accuse(f"{answer.status} for a good {kind}: {answer.body[:200]!r}")
                return
            if self.stopping.wait(SHORT_PAUSE * (0.5 + self._dice.random())):
                return

    def _look(self, answer: Answer) -> None:
        for canary in self._others:
            if canary in answer.body:
                self._record.accuse(f"{self._way.host} was shown {canary!r}")
        if answer.status in (401, 403, 404):
            with suppress(ValueError, KeyError):
                self._record.accuse(f"{self._way.host} was refused: {answer.json['code']}")
