"""Clients that leave in the middle, fall silent or stop reading: nothing is held for them, a retry finds one effect."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import orjson
from psycopg import sql

from tests.chaos.load import Answer, Client, Way
from tests.chaos.model import Record, now
from tests.chaos.proxy import Proxy, Weather
from tests.chaos.site import Site, eventually
from tests.chaos.town import Town

# More than all processes together work on at once (`DB_POOL_SIZE` each), and fewer than they have threads.
MANY = 24
FREE = 30.0
BODY = 400_000
_RESET = struct.pack("ii", 1, 0)


def _head(way: Way, line: str, *headers: str) -> bytes:
    """Return the first part of a request."""
    usual = f"Host: {way.host}:{way.port}", f"Authorization: Bearer {way.token}"
    return "\r\n".join([f"{line} HTTP/1.1", *usual, *headers, "", ""]).encode()


def _upload(way: Way, key: str) -> tuple[bytes, bytes]:
    """Return the head and the body of an import."""
    rows = b"".join(b"Lamp %d,LAMP-%d,9.00,EUR\n" % (n, n) for n in range(BODY // 24))
    parts = (
        b'--cut\r\nContent-Disposition: form-data; name="resource"\r\n\r\nproducts\r\n'
        b'--cut\r\nContent-Disposition: form-data; name="dry_run"\r\n\r\ntrue\r\n'
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="lamps.csv"\r\n\r\n'
    )
    body = parts + b"name,sku,price,currency\n" + rows + b"\r\n--cut--\r\n"
    kind = "Content-Type: multipart/form-data; boundary=cut"
    head = _head(way, "POST /api/v1/imports", kind, f"Content-Length: {len(body)}", f"Idempotency-Key: {key}")
    return head, body


def _order(way: Way, key: str) -> bytes:
    """Return a whole order as it goes over the wire."""
    items = [{"product_id": way.product_id, "quantity": 1}]
    body = orjson.dumps({"customer_email": "ada@brook.example", "items": items, "note": key})
    kind = "Content-Type: application/json"
    return _head(way, "POST /api/v1/orders", kind, f"Content-Length: {len(body)}", f"Idempotency-Key: {key}") + body


@contextmanager
def _silent(port: int, sent: bytes, *, times: int = MANY, window: int = 0) -> Iterator[list[socket.socket]]:
    """Hold connections that sent something and then neither send nor read."""
    with ExitStack() as held:
        made = []
        for _ in range(times):
            connection = held.enter_context(socket.socket())
            if window:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            connection.connect(("127.0.0.1", port))
            connection.sendall(sent)
            made.append(connection)
        yield made


def _reset(connection: socket.socket) -> None:
    """End a connection as a machine does that forgot it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def _held(site: Site) -> int:
    """Return how many transactions of the web are open and idle for longer than a request needs."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'terrace_app' AND state LIKE 'idle in transaction%' "
        "AND state_change < now() - interval '2 s'"
    )
    with site.superuser() as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _serves_all(town: Town) -> None:
    """Check that every tenant is served as if nobody else were there."""
    for house in town.houses:
        client = Client(house.way, Record())
        assert client.send("GET", "/api/v1/products?limit=20").status == 200
        client.close()


def _again(way: Way, sent: bytes) -> Answer:
    """Send prepared bytes on a fresh connection and return the answer; `why` says whether it is a repeated one."""
    with socket.create_connection(("127.0.0.1", way.port), timeout=30) as connection:
        connection.sendall(sent)
        with http.client.HTTPResponse(connection) as answer:
            answer.begin()
            return Answer(answer.status, answer.read(), answer.headers.get("Idempotency-Replayed", ""))


def test_f26_uploads_that_fall_silent_hold_nothing(site: Site, town: Town) -> None:
    way, key = town.houses[0].way, uuid4().hex
    head, body = _upload(way, key)
    with Proxy(("127.0.0.1", site.port)) as road, _silent(road.port, head + body[: BODY // 2]):
        eventually(lambda: road.connections == MANY, within=10, what="that all are on the road")
        with road.bad(Weather(mute=True)):
            began = now()
            time.sleep(3)
            assert _held(site) == 0
            with town.busy() as record:
                time.sleep(3)
            assert set(record.statuses(began)) <= {200, 201, 202}, record.statuses()
        assert road.cut() == MANY
    town.audit()
    assert _again(way, head + body).status == 202


def test_f26_uploads_that_are_cut_or_half_closed_have_no_effect(site: Site, town: Town) -> None:
    way, key = town.houses[0].way, uuid4().hex
    head, body = _upload(way, key)
    for how in (_reset, lambda connection: connection.shutdown(socket.SHUT_WR)):
        with _silent(site.port, head + body[: BODY // 2]) as held:
            time.sleep(0.5)
            for connection in held:
                how(connection)
            eventually(lambda: _held(site) == 0, within=FREE, what="the end of their transactions")
            _serves_all(town)
    with site.superuser() as connection:
        schema = sql.Identifier(str(town.houses[0].tenant.schema))
        runs = sql.SQL("SELECT count(*) FROM {}.import_run WHERE tenant_id = %s").format(schema)
        assert connection.execute(runs, [town.houses[0].tenant.id]).fetchone() == (0,)
    first, second = (_again(way, head + body) for _ in range(2))
    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]
    town.audit()


def test_f26_clients_that_do_not_read_hold_nothing(site: Site, town: Town) -> None:
    way = town.houses[0].way
    client = Client(way, Record())
    for number in range(100):
        long = {"name": f"Lamp {number}", "sku": f"S{number}", "description": "x" * 4000}
        assert client.send("POST", "/api/v1/products", {**long, "price": "1.00", "currency": "EUR"}).status == 201
    client.close()
    page = _head(way, "GET /api/v1/products?limit=100")
    # Each asks twice and leaves a small window: far more than any buffer takes is on its way.
    with _silent(site.port, page * 2, window=4096) as held:
        time.sleep(1)
        assert _held(site) == 0
        _serves_all(town)
        for connection in held:
            _reset(connection)
    _serves_all(town)


def test_f26_an_answer_that_was_lost_is_given_again(site: Site, town: Town) -> None:
    house, dice = town.houses[0], random.Random(26)
    for _ in range(20):
        key = uuid4().hex
        with socket.create_connection(("127.0.0.1", site.port)) as connection:
            connection.sendall(_order(house.way, key))
            # Before it began, while it is at work, or when its answer is on the way.
            time.sleep(dice.random() * 0.05)
            _reset(connection)
        first, second = (_again(house.way, _order(house.way, key)) for _ in range(2))
        assert (first.status, second.status, second.why) == (201, 201, "true")
        assert first.json == second.json
        house.model.unknown.add(key)
    town.audit()
    with site.superuser() as connection:
        schema = sql.Identifier(str(house.tenant.schema))
        orders = sql.SQL("SELECT count(*) FROM {}.sales_order WHERE tenant_id = %s").format(schema)
        assert connection.execute(orders, [house.tenant.id]).fetchone() == (20,)
