"""A plugin for pytest: the schemas move to the next revision while the tests that it is given run.

The first third of the tests meets the schemas as the code knows them. Then the fan-out begins, and goes on for those
that later tests make: they begin at the old revision and move while they are used. What it saw is written to
`MOVING_REPORT`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.migrate import migrate_all
from tenants.migration.options import Options
from tests.tenants.migration.revisions import COLUMN, EXPAND, extended

_go = threading.Event()
_seen = {"before": 0, "after": 0}


def pytest_runtest_logreport(report: Any) -> None:
    """Count the tests, and let the fan-out begin after a third of them."""
    if report.when == "call":
        _seen["after" if _go.is_set() else "before"] += 1


@pytest.hookimpl
def pytest_runtest_setup(item: Any) -> None:
    """Let the fan-out begin after a third of the tests."""
    if item.session.items.index(item) * 3 >= len(item.session.items):
        _go.set()


@pytest.fixture(autouse=True, scope="session")
def moving(settings: Any, tmp_path_factory: Any) -> Iterator[None]:
    """Move the schemas again and again until the tests have ended."""
    history = extended(tmp_path_factory.mktemp("revisions"), COLUMN, EXPAND)
    ended, moved, failed = threading.Event(), [], {}

    def move() -> None:
        _go.wait()
        while True:
            last = ended.is_set()
            report = migrate_all(settings.database_admin_url, pools=2, history=history, options=Options(canary=0))
            moved.extend(report.moved)
            failed.update(report.failed)
            if last:
                return
            ended.wait(0.1)

    thread = threading.Thread(target=move)
    thread.start()
    yield
    _go.set()
    ended.set()
    thread.join()
    found = {"moved": moved, "failed": failed, **_seen}
    Path(os.environ["MOVING_REPORT"]).write_text(json.dumps(found))
