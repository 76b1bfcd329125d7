"""What the person at the terminal sees of a run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from typing_extensions import override

from tenants.cli import tenants_cli
from tenants.migration.options import Options
from tenants.migration.progress import Progress
from tests.tenants.migration.fleet import Fleet
from tests.tenants.migration.revisions import BROKEN, COLUMN, extended


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_bar_that_fills(fleet: Fleet, tmp_path: Path) -> None:
    out = Terminal()
    progress = Progress(out)
    fleet.migrate(extended(tmp_path, COLUMN), watch=progress)
    progress.close()
    last = out.getvalue().rstrip("\n").split("\r")[-1]
    assert "█" * 30 + " 6/6" in last
    assert out.getvalue().count("\n") == 1


def test_a_file_gets_plain_lines_with_failures_and_their_reasons(fleet: Fleet, tmp_path: Path) -> None:
    fleet.tenant("pool_02", 1)
    out = io.StringIO()
    fleet.migrate(extended(tmp_path, BROKEN), options=Options(workers=1), watch=Progress(out))
    lines = out.getvalue().splitlines()
    assert lines[0] == "6 schemas to move to 9001, in 2 waves."
    assert lines[-1].startswith("pool_02  FAILED  CheckViolation: ")
    assert "\x1b" not in out.getvalue()


def test_the_command_plans_without_changing_anything_and_has_nothing_to_do(app: Flask, runtime: Any) -> None:
    plan = app.test_cli_runner().invoke(tenants_cli, ["migrate", "--plan"])
    assert plan.exit_code == 0, plan.output
    assert "schemas stand at" in plan.output
    done = app.test_cli_runner().invoke(tenants_cli, ["migrate", "--workers", "1", "--pools", "first"])
    assert (done.exit_code, ": 0 moved, " in done.output) == (0, True)


@pytest.mark.parametrize("wrong", [("--lock-timeout", "1500"), ("--workers", "0"), ("--pools", "middle")])
def test_levers_have_bounds(app: Flask, wrong: tuple[str, str]) -> None:
    assert app.test_cli_runner().invoke(tenants_cli, ["migrate", *wrong]).exit_code == 2
