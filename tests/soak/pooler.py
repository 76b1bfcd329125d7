"""A small connection pooler in transaction mode, as many installations put one before PostgreSQL.

It speaks version 3.0 of the wire protocol. A client gets a server connection with its first message and loses it as
soon as the server says that no transaction is open; what was set for the session stays behind on that connection, for
whoever comes next. That is what transaction mode means, and why nothing of a tenant may ever be set for a session.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import psycopg

_CANCEL, _SSL, _GSS, _VERSION_3 = 80877102, 80877103, 80877104, 196608
_TOLD = ("server_version", "client_encoding", "server_encoding", "standard_conforming_strings", "integer_datetimes",
         "DateStyle", "TimeZone", "IntervalStyle", "search_path")  # fmt: skip


class Server:
    """One real connection, opened by libpq and then used as a plain socket."""

    def __init__(self, url: str) -> None:
        self.driver = psycopg.connect(url, autocommit=True)
        self.socket = socket.socket(fileno=os.dup(self.driver.fileno()))
        self.socket.settimeout(None)
        self._stream = self.socket.makefile("rb")

    def ask(self, messages: bytes, client: socket.socket) -> bytes:
        """Send `messages`, hand every answer to the client, and return the state that the server ends in.

        Raises ConnectionError when the server goes away.
        """
        self.socket.sendall(messages)
        while True:
            answer = read_message(self._stream)
            client.sendall(answer)
            if answer[:1] == b"Z":
                return answer[5:]

    def close(self) -> None:
        """End the connection, and with it whatever was open on it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        self.socket.close()
        self.driver.close()


class Pooler:
    """Serves clients on a port of 127.0.0.1 with `size` connections to `url`."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._password = secrets.token_hex(16)
        # A place is a connection, or None where one must be opened first.
        self._places: queue.SimpleQueue[Server | None] = queue.SimpleQueue()
        for _ in range(size):
            self._places.put(None)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._at_work: dict[bytes, Server] = {}
        self._closed = threading.Event()
        # How often a server connection changed hands between two clients.
        self.hand_overs = 0

    @property
    def url(self) -> str:
        """The address that clients use instead of the server's."""
        parts = urlsplit(self._url)
        place = f"{parts.username}:{self._password}@127.0.0.1:{self._listener.getsockname()[1]}"
        return urlunsplit(parts._replace(netloc=place))

    def run(self) -> None:
        """Serve each client in a thread of its own until the pooler is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more clients and close the connections that are free; those at work are closed when they end."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(queue.Empty):
            while True:
                if (place := self._places.get_nowait()) is not None:
                    place.close()

    def _serve(self, client: socket.socket) -> None:
        key = secrets.token_bytes(8)
        with client, client.makefile("rb") as stream, contextlib.suppress(OSError, psycopg.Error):
            if self._greet(client, stream, key):
                self._pass_on(client, stream, key)

    def _pass_on(self, client: socket.socket, stream: BinaryIO, key: bytes) -> None:
        server: Server | None = None
        waiting = b""
        try:
            while (message := read_message(stream))[:1] != b"X":
                waiting += message
                if message[:1] not in (b"Q", b"S"):
                    continue
                if server is None:
                    server = self._at_work[key] = self._take()
                state, waiting = server.ask(waiting, client), b""
                if state == b"I":
                    del self._at_work[key]
                    self._give_back(server)
                    server = None
        finally:
            self._at_work.pop(key, None)
            if server is not None:
                # In the middle of a transaction: nobody may go on with it.
                server.close()
                self._places.put(None)

    def _give_back(self, server: Server) -> None:
        if self._closed.is_set():
            server.close()
            self._places.put(None)
        else:
            self._places.put(server)

    def _take(self) -> Server:
        place = self._places.get()
        self.hand_overs += 1
        if place is not None:
            return place
        try:
            return Server(self._url)
        except psycopg.Error:
            self._places.put(None)
            raise

    def _greet(self, client: socket.socket, stream: BinaryIO, key: bytes) -> bool:
        """Let a client in that knows the password; carry out a cancel request. Say whether a client is in."""
        while (start := _read_start(stream))[0] in (_SSL, _GSS):
            client.sendall(b"N")
        code, body = start
        if code == _CANCEL:
            server = self._at_work.get(body)
            if server is not None:
                server.driver.cancel_safe(timeout=2)
        if code != _VERSION_3:
            return False
        client.sendall(_message(b"R", struct.pack("!i", 3)))
        if read_message(stream)[5:-1] != self._password.encode():
            return False
        server = self._take()
        told = [(name, server.driver.pgconn.parameter_status(name.encode())) for name in _TOLD]
        self._places.put(server)
        statuses = b"".join(_message(b"S", name.encode() + b"\0" + v + b"\0") for name, v in told if v is not None)
        client.sendall(_message(b"R", bytes(4)) + statuses + _message(b"K", key) + _message(b"Z", b"I"))
        return True


@contextlib.contextmanager
def pooler(url: str, *, size: int) -> Iterator[Pooler]:
    """Run a pooler before the database at `url`."""
    made = Pooler(url, size)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()


def read_message(stream: Any) -> bytes:
    """Return the next message with its head.

    Raises ConnectionError at the end of the stream.
    """
    head = _exactly(stream, 5)
    return head + _exactly(stream, struct.unpack("!i", head[1:])[0] - 4)


def _read_start(stream: Any) -> tuple[int, bytes]:
    length, code = struct.unpack("!ii", _exactly(stream, 8))
    return code, _exactly(stream, length - 8)


def _exactly(stream: Any, length: int) -> bytes:
    found: bytes = stream.read(length)
    if len(found) < length:
        raise ConnectionError("the other side has gone")
    return found


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
