"""The API works on the schema before and after a revision, and while the revision is on its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITES = (
    "tests/store/test_products_api.py",
    "tests/store/test_orders_api.py",
    "tests/accounts/test_signin_api.py",
)
ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_suites_of_the_api_pass_across_a_fan_out(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.tenants.migration.moving"]
    # A run of its own: not one of the processes among which the tests outside are shared out.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *SUITES],
        cwd=ROOT,
        env={**environ, "MOVING_REPORT": str(report)},
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    found = json.loads(report.read_text())
    assert found["failed"] == {}
    assert {"pool_01", "pool_02"} <= set(found["moved"])
    # As many tests as make it sure that both revisions were used.
    assert min(found["before"], found["after"]) > 10
