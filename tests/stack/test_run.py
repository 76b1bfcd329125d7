"""`make run`: one clear sentence where it cannot start; stopped, killed and started again with the same data."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from stack.folder import DataFolder
from tests.stack.conftest import eventually, members

CHECKOUT = Path(__file__).parents[2]
# What the test run itself has set would replace the embedded servers.
PLAIN = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TERRACE_PG_BIN") if name in os.environ}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def attempt(place: Path, **settings: str) -> str:
    """Start a run that cannot start, and return what it said."""
    env = {**PLAIN, "DATA_DIR": str(place / "data"), "PORT": str(free_port()), **settings}
    command = [sys.executable, "-m", "stack.run"]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@contextmanager
def running(place: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a run and give its process and its panel."""
    env = {**PLAIN, "DATA_DIR": str(place / "data"), "PORT": str(port), "SPARES": "0"}
    command = [sys.executable, "-m", "stack.run"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        said = ""
        for line in run.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        try:
            assert run.poll() is None, said
            yield run, said
        finally:
            if run.poll() is None:
                run.send_signal(signal.SIGTERM)


def recorded(place: Path) -> dict[str, int]:
    records = DataFolder(place / "data").run.glob("*.json")
    pids = {path.stem: int(re.findall(r'"pid": (\d+)', path.read_text())[0]) for path in records}
    assert set(pids) == {"postgres", "valkey", "s3", "mailbox", "stripe", "web", "worker"}
    return pids


def nobody_left(pids: dict[str, int]) -> bool:
    return all(members(pid) == [] for pid in pids.values())


def test_a_port_that_is_taken_is_named(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = attempt(place, PORT=str(port))

    assert said == (
        f"PORT {port} is taken by another program: stop that one, or choose another port, "
        f"as in PORT={port + 1} make run."
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "web"}, "PORT is 'web'; it must be a whole number from 1 to 65535."),
        ({"PORT": "0"}, "PORT is '0'; it must be a whole number from 1 to 65535."),
        (
            {"DATABASE_URL": "postgresql://app@db.example/terrace"},
            "DATABASE_ADMIN_URL is missing: DATABASE_URL is set, and needs it.",
        ),
        (
            {"S3_ENDPOINT_URL": "https://s3.example", "AWS_ACCESS_KEY_ID": "key"},
            "AWS_SECRET_ACCESS_KEY is missing: S3_ENDPOINT_URL is set, and needs it.",
        ),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        ({"REDIS_URL": "http://redis.example"}, "REDIS_URL is not an address"),
    ],
)
def test_a_wrong_setting_is_named(place: Path, settings: dict[str, str], sentence: str) -> None:
    assert attempt(place, **settings).startswith(sentence)


def test_a_folder_in_use_is_named(place: Path) -> None:
    folder = DataFolder(place / "data")
    folder.lock()

    said = attempt(place)

    folder.unlock()
    assert said.startswith(f"DATA_DIR {place}/data is in use by process {os.getpid()}")


# Three starts, one of them the first: on a busy machine this takes minutes.
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_stops_cleanly_survives_being_killed_and_names_a_server_that_dies(place: Path) -> None:
    port = free_port()
    with running(place, port) as (run, panel):
        assert f"Open   http://localhost:{port}" in panel
        assert re.search(r"Stripe http://127\.0\.0\.1:\d+", panel)
        assert requests.get(f"http://localhost:{port}/health/ready", timeout=10).status_code == 200
        first = recorded(place)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 0
    assert nobody_left(first)
    assert list((place / "data/run").glob("*.json")) == []

    with running(place, port) as (run, _):
        killed = recorded(place)
        run.kill()
    with running(place, port) as (run, again):
        assert nobody_left(killed)
        assert panel.partition("Open")[2] == again.partition("Open")[2]
        last = recorded(place)
        os.kill(last["valkey"], signal.SIGKILL)
        assert run.wait(timeout=60) == 1
        assert run.stdout is not None
        assert "valkey ended with code -9. Its last words" in run.stdout.read()
    assert eventually(lambda: nobody_left(last))
