"""Processes are started, watched, stopped, and found again after their starter was killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack import proc
from stack.errors import StackError
from stack.folder import DataFolder
from stack.process import Process
from tests.stack.conftest import eventually, members

ENV = {"PATH": "/usr/bin:/bin"}
CHECKOUT = Path(__file__).parents[2]
# Starts a shell with a child in the background, says the shell's number, and waits to be killed.
STARTER = """
import signal, sys
from pathlib import Path
from stack.process import Process
place = Path(sys.argv[1])
process = Process("toy", run=place / "run", logs=place / "logs")
process.start(["/bin/sh", "-c", "sleep 1000 & wait"], env={"PATH": "/usr/bin:/bin"}, cwd=place)
print(process.pid, flush=True)
signal.pause()
"""


def toy(folder: DataFolder, *, patience: float = 5) -> Process:
    return Process("toy", run=folder.run, logs=folder.logs, patience=patience)


def start(process: Process, script: str, folder: DataFolder) -> int:
    process.start(["/bin/sh", "-c", script], env=ENV, cwd=folder.root)
    assert process.pid is not None
    return process.pid


def test_stopping_ends_a_process_and_its_children(folder: DataFolder) -> None:
    process = toy(folder)
    pid = start(process, "sleep 1000 & sleep 1000 & echo up; wait", folder)
    assert eventually(lambda: len(members(pid)) == 3)

    process.stop()

    assert members(pid) == []
    assert list(folder.run.glob("*.json")) == []


def test_a_process_that_does_not_listen_is_killed(folder: DataFolder) -> None:
    process = toy(folder, patience=0.3)
    pid = start(process, "trap '' TERM; echo deaf; while :; do sleep 0.1; done", folder)
    assert eventually(lambda: "deaf" in process.last_words())

    process.stop()

    assert proc.look(pid) is None


def test_a_process_that_ends_early_is_reported_with_its_last_words(folder: DataFolder) -> None:
    process = toy(folder)
    start(process, "echo no such luck; exit 3", folder)

    with pytest.raises(StackError, match=r"(?s)toy ended with code 3 .*no such luck"):
        process.wait_until(lambda: False, timeout=10)
    process.stop()


def test_a_process_that_is_never_ready_is_reported(folder: DataFolder) -> None:
    process = toy(folder)
    start(process, "exec sleep 1000", folder)

    with pytest.raises(StackError, match="not ready after"):
        process.wait_until(lambda: False, timeout=0.1)
    process.stop()


def test_a_process_dies_with_its_starter_and_the_next_start_ends_the_rest(folder: DataFolder) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, folder.root], stdout=subprocess.PIPE, cwd=CHECKOUT, text=True
    ) as starter:
        try:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            assert eventually(lambda: len(members(pid)) == 2)
        finally:
            starter.kill()
    assert eventually(lambda: proc.look(pid) is None)
    assert len(members(pid)) == 1

    process = toy(folder)
    process.end_leftover()

    assert members(pid) == []


def test_a_number_that_belongs_to_another_process_by_now_is_left_alone(folder: DataFolder) -> None:
    with subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as stranger:
        seen = proc.look(stranger.pid)
        assert seen is not None
        record = {"pid": stranger.pid, "started": seen.started - 1, "boot": proc.boot_id()}
        (folder.run / "toy.json").write_text(json.dumps(record))

        toy(folder).end_leftover()

        assert stranger.poll() is None
        assert not (folder.run / "toy.json").exists()
        stranger.kill()


def test_a_record_of_an_earlier_boot_is_forgotten(folder: DataFolder) -> None:
    with subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as stranger:
        seen = proc.look(stranger.pid)
        assert seen is not None
        record = {"pid": stranger.pid, "started": seen.started, "boot": "another"}
        (folder.run / "toy.json").write_text(json.dumps(record))

        toy(folder).end_leftover()

        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)
