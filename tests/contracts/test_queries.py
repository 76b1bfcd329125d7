"""How many statements each page and each read of the API costs: as many as before, however many rows there are.

`queries.json` holds the numbers. One that falls may be lowered there; one that rises needs a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tenants.access import access_of
from tests.isolation import recipes, things
from tests.isolation.calls import APEX, Door, Sender
from tests.isolation.neighbours import Neighbour
from tests.isolation.street import Street, build_house, tear_down

PINNED = Path(__file__).with_name("queries.json")


@contextmanager
def statements(home: Neighbour) -> Iterator[list[str]]:
    """Give the list of the statements that the application sends inside the block."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = home.world.runtime.databases.engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _reads(app: Flask) -> list[Any]:
    return [
        rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "web.static"
    ]


def _count(app: Flask, home: Neighbour) -> dict[str, int]:
    """Call every read as the owner, twice, and count the statements of the second time."""
    sender = Sender(Street(app, home.world, {home.label: home}, ""))
    owner = home.people["owner"]
    counts = {}
    for rule in _reads(app):
        access = access_of(app.view_functions[rule.endpoint])
        assert access is not None
        door = Door("bearer" if rule.rule.startswith("/api/") else "cookie", owner)
        host = APEX if access.host == "apex" else home.host
        for _ in range(2):
            recipe = recipes.RECIPES.get(rule.endpoint)
            call = recipe(home, owner) if recipe else recipes.plain(rule, home, owner)
            with statements(home) as sent:
                answer = sender.send(rule, "GET", call.filled(), door, host)
        assert answer.status_code < 400, (rule.rule, answer.status_code)
        counts[rule.endpoint] = len(sent)
    return counts


@pytest.fixture(scope="module")
def own(settings: Any, worker_runtime: Any) -> Iterator[tuple[Flask, Neighbour]]:
    """Return an application and a tenant that no other test changes."""
    app, home = build_house(settings, worker_runtime, "F")
    yield app, home
    tear_down(home.world)


@pytest.fixture(scope="module")
def counted(own: tuple[Flask, Neighbour]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the counts with few rows, and those with many."""
    app, home = own
    few = _count(app, home)
    for _ in range(7):
        things.product(home)
        things.order(home)
        things.gone_invitation(home)
        things.waiting_job(home)
    for _ in range(3):
        things.running_import(home)
        things.running_export(home)
    # Finished ones have results and files, which a list must not ask for one by one.
    home.world.drain()
    return few, _count(app, home)


def test_no_read_costs_more_statements_with_more_rows(counted: tuple[dict[str, int], dict[str, int]]) -> None:
    few, many = counted
    assert {name: (few[name], count) for name, count in many.items() if count > few[name]} == {}


def test_no_read_costs_more_statements_than_it_did(counted: tuple[dict[str, int], dict[str, int]]) -> None:
    pinned: dict[str, int] = json.loads(PINNED.read_text())
    now = counted[1]
    print(json.dumps(now, indent=1, sort_keys=True))
    assert {name: (pinned.get(name), count) for name, count in now.items() if count > pinned.get(name, -1)} == {}
    assert set(pinned) <= set(now), "these routes are gone"


def test_a_query_for_each_row_would_be_seen(own: tuple[Flask, Neighbour]) -> None:
    home = own[1]
    with statements(home) as sent, home.world.runtime.tenant(home.tenant) as ctx:
        for _ in range(3):
            ctx.db.connection().exec_driver_sql("SELECT 1")
    assert len(sent) == 3
