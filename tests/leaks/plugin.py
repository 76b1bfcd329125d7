"""A pytest plugin for one defect: the first failure of a suite ends that suite, and what failed is written down.

A suite whose fixtures fail has tested nothing. It is told apart from one that noticed nothing, by its error's line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_caught: dict[str, str] = {}
_broken: dict[str, str] = {}
_ran: set[str] = set()


def _suite(nodeid: str) -> str:
    return str(Path(nodeid.split("::", maxsplit=1)[0]).as_posix())


def pytest_collectreport(report: Any) -> None:
    """Note a suite that cannot be read."""
    if report.failed:
        _broken[_suite(report.nodeid)] = str(report.longrepr).strip().splitlines()[-1]


def pytest_runtest_setup(item: Any) -> None:
    """Skip the rest of a suite that has caught the defect."""
    if _suite(item.nodeid) in _caught:
        pytest.skip("this suite has caught it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Note what ran and what failed; an error while things are made ready counts only where it is expected."""
    report = yield
    suite = _suite(item.nodeid)
    expected = os.environ.get("LEAKS_AT_SETUP") == "1"
    if report.when == "call":
        _ran.add(suite)
    if report.failed and (report.when == "call" or (report.when == "setup" and expected)):
        _caught.setdefault(suite, item.name)
    elif report.failed:
        _broken.setdefault(suite, f"{item.name}: {(call.excinfo.exconly() or '?').splitlines()[0]}")
    return report


def pytest_sessionfinish(session: Any) -> None:
    """Write the report; a suite of which nothing ran is broken, whatever the reason."""
    for item in session.items:
        if (suite := _suite(item.nodeid)) not in _ran:
            _broken.setdefault(suite, "none of its tests ran")
    broken = {suite: line for suite, line in _broken.items() if suite not in _caught}
    Path(os.environ["LEAKS_REPORT"]).write_text(json.dumps({"caught": _caught, "broken": broken}))
