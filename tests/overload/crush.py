"""The clients of an overload, in a process of their own: `python -m tests.overload.crush`.

Reads one order a line, `{"rate": …, "seconds": …, "clients": …}`, and answers each with what came back, one line. With
a rate, requests leave when they are due, however the server fares; with none each client sends as soon as it has an
answer. The first line says where to send: `{"port": …, "doors": [[host, token, product], …]}`.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.overload import Caller

# Of a hundred requests so many of each class; nobody waits for health, so what it takes is what the machine takes.
MIX = {"critical": 10, "normal": 65, "sheddable": 20, "health": 5}
# A server ends a connection that is idle for long; before that a new one is opened (seconds).
IDLE = 1.0
# Seen by nobody: the export is refused for its format, after it was admitted.
_NO_EXPORT = {"resource": "products", "format": "none"}

Due = tuple[float, str, int]


class Crowd:
    """Many callers of a few tenants."""

    def __init__(self, port: int, doors: list[list[str]]) -> None:
        self._port = port
        self._doors = doors
        self._dice = random.Random(5)

    def send(self, *, rate: float | None, seconds: float, clients: int) -> list[dict[str, Any]]:
        """Send for so long and return what came back."""
        todo, lock = self._due(rate, time.monotonic() + 0.05, seconds), threading.Lock()
        with ThreadPoolExecutor(clients) as pool:
            parts = pool.map(lambda _: self._serve(todo, lock), range(clients))
            return [one for part in parts for one in part]

    def _due(self, rate: float | None, begins: float, seconds: float) -> Iterator[Due]:
        number = 0
        while (at := begins + number / rate if rate else time.monotonic()) < begins + seconds:
            (kind,) = self._dice.choices(list(MIX), list(MIX.values()))
            yield at, kind, self._dice.randrange(len(self._doors))
            number += 1

    def _serve(self, todo: Iterator[Due], lock: threading.Lock) -> list[dict[str, Any]]:
        callers = [Caller(self._port, host, token) for host, token, _ in self._doors]
        used, found = [0.0] * len(callers), []
        while True:
            with lock:
                due, kind, whose = next(todo, (0.0, "", 0))
            if not kind:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            began, caller = time.monotonic(), callers[whose]
            if began - used[whose] > IDLE:
                caller.close()
            status = self._ask(caller, kind, self._doors[whose][2])
            used[whose] = time.monotonic()
            took, late = used[whose] - began, began - due
            found.append({"kind": kind, "status": status, "took": took, "late": late, "again": caller.retry_after})
        for caller in callers:
            caller.close()
        return found

    def _ask(self, caller: Caller, kind: str, product: str) -> int:
        if kind == "health":
            return caller.send("GET", "/health/live")
        if kind == "critical":
            return caller.send("GET", "/signin")
        if kind == "normal":
            return caller.send("GET", f"/api/v1/products/{product}")
        return caller.send("POST", "/api/v1/exports", _NO_EXPORT)


def main() -> None:
    """Do as the lines say, until they end."""
    crowd = Crowd(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(crowd.send(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
