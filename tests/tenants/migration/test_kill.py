"""A run that is killed at any moment is taken up by the next one, and nothing is done twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tenants.migration.fleet import Fleet
from tests.tenants.migration.revisions import COLUMN, EXPAND, extended

KILLS = 6


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_run_that_is_killed_again_and_again_ends_at_the_head_with_nothing_done_twice(
    fleet: Fleet, tmp_path: Path
) -> None:
    extended(tmp_path, COLUMN, EXPAND)
    fleet.add(8)
    for schema in (*fleet.schemas[:4], "pool_01", "pool_01", "pool_02"):
        fleet.tenant(schema, 40)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    killed = sum(_run(fleet, tmp_path, kill_after=chance.uniform(0, 0.25)) != 0 for _ in range(KILLS))
    assert _run(fleet, tmp_path) == 0
    assert killed >= 1, "no run was killed before it had ended"
    assert set(fleet.revisions().values()) == {"9002"}
    for schema in fleet.revisions():
        assert fleet.has_index(schema, "ix_product_touched")
        assert set(fleet.touches(schema)) <= {1}
    assert fleet.touches("pool_01") == {1: 80}
    assert fleet.rows("SELECT count(*) FROM control.schema_work WHERE state = 'waiting'") == [(0,)]
    states = dict(fleet.rows("SELECT state, count(*) FROM control.migration_run GROUP BY 1"))
    # One made the template; a run that was killed says so as soon as the next one has begun.
    assert states.get("running", 0) <= (1 if killed else 0)
    assert states["succeeded"] >= 1


def _run(fleet: Fleet, folder: Path, *, kill_after: float | None = None) -> int:
    command = [sys.executable, "-m", "tests.tenants.migration.run", fleet.admin_url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if kill_after is not None:
            threading.Event().wait(kill_after)
            process.send_signal(signal.SIGKILL)
        return process.wait(60)
