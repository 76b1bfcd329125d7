"""Notices a database that hangs, and frees the requests that wait for it.

A server that is frozen answers no timeout of its own, and the kernel keeps its connections alive. So a thread looks at
the connections that are in use: when one has been for suspiciously long, the thread knocks at the server's door. A
server that is merely busy opens; one that does not is taken to hang, the connections are cut under those who wait, and
until it opens again requests are refused at once. A request that nothing is suspicious about pays for two entries in a
dictionary.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from app.kit.errors import Unavailable

log = logging.getLogger(__name__)

# Seconds: between two looks, until a connection in use is suspicious, and until a knock has gone unheard.
EVERY, SUSPICIOUS, KNOCK = 0.2, 0.6, 0.5
# No request may hold a connection for longer than this, however alive the server is: the slowest tier's own limit and
# a little, for roads on which packets vanish (seconds).
LONGEST = 32.0
RETRY_AFTER = "2"
# The first message of a connection that would like TLS: any PostgreSQL answers it with one byte, before any log-in.
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Lookout:
    """Watches the connections of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._address = _address(engine.url)
        self._in_use: dict[ConnectionPoolEntry, tuple[float, psycopg.Connection[Any]]] = {}
        self._thread: threading.Thread | None = None
        self.hangs = False
        event.listen(engine, "do_connect", self._connecting)
        event.listen(engine.pool, "checkout", self._out)
        event.listen(engine.pool, "checkin", self._in)
        event.listen(engine.pool, "invalidate", self._in)

    def start(self) -> None:
        """Begin to look; call once in each process that serves requests."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
            self._thread.start()

    def require(self) -> None:
        """Raise Unavailable while the server hangs."""
        if self.hangs:
            raise Unavailable(headers={"Retry-After": RETRY_AFTER})

    def look(self, now: float | None = None) -> int:
        """Look once; return how many connections were cut."""
        now = time.monotonic() if now is None else now
        waiting = [(now - since, driver) for since, driver in list(self._in_use.values())]
        oldest = max((age for age, _ in waiting), default=0.0)
        if oldest < SUSPICIOUS and not self.hangs:
            return 0
        self._decide(opens=self._knock())
        limit = SUSPICIOUS if self.hangs else LONGEST
        return sum(_cut(driver) for age, driver in waiting if age >= limit)

    def _decide(self, *, opens: bool) -> None:
        if opens == self.hangs:
            log.warning("The database answers again" if opens else "The database hangs; requests are refused")
        self.hangs = not opens

    def _connecting(self, dialect: Any, entry: Any, arguments: Any, options: Any) -> None:
        """Knock before connecting: the driver itself waits for two seconds at the least."""
        if self._knock():
            return
        self._decide(opens=False)
        raise psycopg.OperationalError("the server does not open")

    def _out(self, driver: psycopg.Connection[Any], entry: ConnectionPoolEntry, proxy: Any) -> None:
        self._in_use[entry] = (time.monotonic(), driver)

    def _in(self, driver: Any, entry: ConnectionPoolEntry, *error: Any) -> None:
        self._in_use.pop(entry, None)

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self.look()
            except Exception:
                log.exception("The lookout stumbled; it goes on")

    def _knock(self) -> bool:
        """Say whether the server opens the door; one that is down refuses at once, which is an answer."""
        if self._address is None:
            return True
        try:
            with _connected(self._address) as door:
                door.sendall(_SSL_REQUEST)
                door.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        return True


def _connected(address: tuple[str, int] | str) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=KNOCK)
    door = socket.socket(socket.AF_UNIX)
    door.settimeout(KNOCK)
    door.connect(address)
    return door


def _address(url: URL) -> tuple[str, int] | str | None:
    """Return where the server's door is; None for an address that names several servers."""
    host, port = url.host or url.query.get("host"), url.port or 5432
    if not isinstance(host, str) or "," in host:
        return None
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def _cut(driver: psycopg.Connection[Any]) -> bool:
    """End the connection under whoever waits for it: the wait ends as if the server had closed."""
    with suppress(psycopg.Error, OSError):
        # A socket object of our own on the same connection, so that closing it leaves the driver's number alone.
        mine = socket.socket(fileno=os.dup(driver.fileno()))
        try:
            mine.shutdown(socket.SHUT_RDWR)
        finally:
            mine.close()
        return True
    return False
