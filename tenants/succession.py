"""A web process that is being replaced lets its clients go: each answer ends its connection while a successor starts.

A new process starts beside the old one, on the same port, and some seconds later the old one is stopped. Connections
that are kept open to the old one would break under the next request; so a process that sees a younger one says
`Connection: close` for a while, and clients come back to whoever listens. Each process has a file named by its number
in `DATA_DIR/run/web`, which is there once it can answer.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from flask import Response

EVERY = 0.2
# Processes of one start are born together (seconds).
TWINS = 3.0
# For how long after the start of a younger sibling; then it was no replacement, but one that had died (seconds).
WHILE = 15.0


class Succession:
    """Knows whether a younger process has started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine = folder / str(os.getpid())
        self._born = time.time()
        self.closing = False

    def start(self) -> None:
        """Tell the older ones, and begin to look for younger ones."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for other in self._folder.iterdir():
                if not _lives(other.name):
                    other.unlink(missing_ok=True)
            self._mine.touch()
        threading.Thread(target=self._run, name="succession", daemon=True).start()

    def end_connection(self, response: Response) -> Response:
        """Let the client go when this process is being replaced; for `after_request`."""
        if self.closing:
            response.headers["Connection"] = "close"
        return response

    def look(self) -> None:
        """Look once."""
        with suppress(OSError):
            newest = max((other.stat().st_mtime for other in self._folder.iterdir()), default=0.0)
            self.closing = newest > self._born + TWINS and time.time() - newest < WHILE

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            self.look()


def _lives(number: str) -> bool:
    return not number.isdecimal() or Path(f"/proc/{number}").exists()
