"""A pytest plugin for one defect: the first failure of a suite ends that suite, and what failed is written down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_failed: dict[str, list[str]] = {}
_ran: set[str] = set()


def _suite(item: Any) -> str:
    return str(Path(item.nodeid.split("::")[0]).as_posix())


def pytest_runtest_setup(item: Any) -> None:
    """Skip the rest of a suite that has caught the defect."""
    if _failed.get(_suite(item)):
        pytest.skip("this suite has caught it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Note what ran and what failed; an error while things are made ready counts only where it is expected."""
    report = yield
    suite = _suite(item)
    if report.when == "call" or report.failed:
        _ran.add(suite)
    expected = os.environ.get("LEAKS_AT_SETUP") == "1"
    if report.failed and (report.when == "call" or (report.when == "setup" and expected)):
        _failed.setdefault(suite, []).append(item.name)
    return report


def pytest_sessionfinish() -> None:
    """Write the report."""
    found = {suite: _failed.get(suite, []) for suite in sorted(_ran)}
    Path(os.environ["LEAKS_REPORT"]).write_text(json.dumps(found))
