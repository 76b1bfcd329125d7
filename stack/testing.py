"""The servers for a test run: on free ports, in a temporary folder, gone afterwards.

`python -m stack.testing` starts them by hand, prints the variables and stays until Ctrl-C.
"""

import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from stack.errors import StackError
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.mailbox import Mailbox
from stack.payments import Payments
from stack.postgres import Postgres
from stack.s3 import S3
from stack.valkey import Valkey

_PREFIX = "terrace-test-"
_SETTLED = 60


class TestStack:
    """PostgreSQL (fast and unsafe, if wanted), Valkey, S3, a mailbox and a stand-in for Stripe, as a context.

    It gives their variables.
    """

    __test__ = False

    def __init__(self, *, fast: bool = True) -> None:
        """Start nothing yet; `fast=False` makes PostgreSQL as safe, and as slow, as it is in a run."""
        self.root = Path()
        self._fast = fast
        self._folder: DataFolder | None = None
        self._launchers: list[Launcher] = []

    def __enter__(self) -> dict[str, str]:
        """Start all servers together, and return the environment to reach them. Raises StackError."""
        _sweep()
        self.root = Path(tempfile.mkdtemp(prefix=_PREFIX))
        folder = self._folder = DataFolder(self.root)
        folder.lock()
        # The slowest first: it comes up while PostgreSQL makes its cluster.
        small = [Valkey(folder), Mailbox(folder), Payments(folder)]
        self._launchers = [S3(folder), *small, Postgres(folder, fast=self._fast)]
        try:
            for launcher in self._launchers:
                launcher.start()
            for launcher in self._launchers:
                launcher.wait_ready()
        except BaseException:
            self.close()
            raise
        return self._environment(folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and remove the folder."""
        self.close()

    def close(self) -> None:
        """Stop what runs, all at once, and remove the folder."""
        for launcher in self._launchers:
            launcher.process.ask()
        for launcher in reversed(self._launchers):
            launcher.stop()
        if self._folder:
            self._folder.unlock()
        shutil.rmtree(self.root, ignore_errors=True)

    def _environment(self, folder: DataFolder) -> dict[str, str]:
        port = folder.ports.get("web")
        env = {
            "TERRACE_ENV": "test",
            "SECRET_KEY": folder.passwords.get("secret-key"),
            "DATA_DIR": str(folder.root / "app"),
            "PORT": str(port),
            "BASE_URL": f"http://localhost:{port}",
            "MAIL_FROM": "Terrace <terrace@localhost>",
        }
        for launcher in self._launchers:
            env.update(launcher.env())
        return env


def _sweep() -> None:
    """Remove the folders of test runs that were killed; their servers went with them."""
    for root in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(StackError, OSError):
            if time.time() - root.stat().st_mtime < _SETTLED:
                # Its run may be about to lock it.
                continue
            folder = DataFolder(root)
            # Refused while a run holds it, or when it is another user's.
            folder.lock()
            shutil.rmtree(root, ignore_errors=True)
            folder.unlock()


def main() -> None:
    """Run the servers in front, with their variables on standard output as shell exports."""
    # Also SIGINT, which a shell turns off for what it starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), TestStack() as env:
        for name, value in env.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        print("# Ready. Ctrl-C stops the servers and removes their data.", file=sys.stderr, flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except StackError as error:
        sys.exit(str(error))
