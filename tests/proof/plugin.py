"""A pytest plugin that writes down what ran: counts by file, what the tests said of themselves, and server versions."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

_outcomes: dict[str, Counter[str]] = {}
_said: list[str] = []
_failures: list[str] = []
_servers: dict[str, str] = {}


def pytest_sessionstart() -> None:
    """Note which server the tests run against."""
    with psycopg.connect(os.environ["DATABASE_SUPERUSER_URL"]) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        _servers["PostgreSQL"] = str(row[0]) if row else ""


def pytest_runtest_logreport(report: Any) -> None:
    """Count one test, and keep what it said in numbers."""
    name = report.nodeid.split("::")[0]
    if report.when == "call" or report.outcome != "passed":
        _outcomes.setdefault(name, Counter())[report.outcome] += 1
    if report.failed:
        _failures.append(f"{report.nodeid} ({report.when})")
    if report.when == "call":
        lines = [str(value) for _, value in report.user_properties] or report.capstdout.splitlines()
        _said.extend(f"{report.nodeid.split('::')[-1]}: {line[:400]}" for line in lines if any(map(str.isdigit, line)))


def pytest_sessionfinish() -> None:
    """Write the report."""
    found = {"files": _outcomes, "said": _said, "failures": _failures, "servers": _servers}
    Path(os.environ["PROOF_REPORT"]).write_text(json.dumps(found))
