"""Terrace's own programs in a run: the web server and the workers."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.errors import StackError
from stack.folder import DataFolder
from stack.ports import is_free
from stack.process import Process

# More threads than requests at once: who waits for its turn does so where the wait is known (`tenants/admission.py`).
_WORKERS, _THREADS = "2", "32"


class Web:
    """The web server: granian over the WSGI application, on this machine only."""

    def __init__(self, folder: DataFolder, checkout: Path, port: int) -> None:
        """Choose nothing yet."""
        self._checkout = checkout
        self._port = port
        self.process = Process("web", run=folder.run, logs=folder.logs)

    def check_port(self) -> None:
        """Raise StackError when another program listens on the port."""
        self.process.end_leftover()
        if not is_free(self._port):
            raise StackError(
                f"PORT {self._port} is taken by another program: stop that one, or choose another port, "
                f"as in PORT={self._port + 1} make run."
            )

    def start(self, env: Mapping[str, str]) -> None:
        """Start the server."""
        options = {
            "--interface": "wsgi",
            "--host": "127.0.0.1",
            "--port": str(self._port),
            "--workers": _WORKERS,
            "--blocking-threads": _THREADS,
            "--workers-kill-timeout": "5",
            # At SIGHUP a new process gets this long to start before the old one stops.
            "--respawn-interval": "8",
            "--log-level": "warning",
        }
        flags = [part for option in options.items() for part in option]
        command: list[str | Path] = [sys.executable, "-m", "granian", *flags, "--respawn-failed-workers", "--no-ws"]
        command.append("wsgi:app")
        self.process.start(command, env=unbuffered(env), cwd=self._checkout)

    def wait_ready(self) -> None:
        """Return when the application answers. Raises StackError when it does not start."""
        self.process.wait_until(self._answers, timeout=120)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/health/live", headers={"Host": f"localhost:{self._port}"})
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()


class Worker:
    """The workers, scheduler and relay."""

    def __init__(self, folder: DataFolder, checkout: Path) -> None:
        """Choose nothing yet."""
        self._checkout = checkout
        self.process = Process("worker", run=folder.run, logs=folder.logs, patience=20)

    def start(self, env: Mapping[str, str]) -> None:
        """Start them."""
        self.process.start([sys.executable, "worker.py"], env=unbuffered(env), cwd=self._checkout)


def unbuffered(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with output written at once, so that a log tells the last words of a program."""
    return {**env, "PYTHONUNBUFFERED": "1", "PATH": env.get("PATH", os.defpath)}
