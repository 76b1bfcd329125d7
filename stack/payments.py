"""The embedded stand-in for Stripe: payments without money, with the API, pages and webhooks of the real one."""

import http.client
import os
import sys
from pathlib import Path

from typing_extensions import override

from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.process import Process


class Payments(Launcher):
    """The stand-in on a port of its own, with what happened in a file under the data folder."""

    def __init__(self, folder: DataFolder) -> None:
        """Choose nothing yet."""
        self._folder = folder
        self._port = 0
        self.process = Process("stripe", run=folder.run, logs=folder.logs)

    @override
    def start(self) -> None:
        """Start the server. Raises StackError."""
        self.process.end_leftover()
        # Links to its payment page are kept with the orders, so the port is the same after a restart.
        self._port = self._folder.ports.get("stripe")
        file = self._folder.root / "stripe" / "stripe.sqlite"
        command: list[str | Path] = [sys.executable, "-m", "stack.stripe", file, str(self._port)]
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
        self.process.start(command, env=env, cwd=Path(__file__).parent.parent)

    @override
    def wait_ready(self) -> None:
        """Return when the API answers. Raises StackError."""
        self.process.wait_until(self._answers, timeout=30)

    @override
    def env(self) -> dict[str, str]:
        """Return where the API is."""
        return {"STRIPE_API_BASE": f"http://127.0.0.1:{self._port}"}

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
