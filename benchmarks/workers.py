"""The real background processes, as `python worker.py` starts them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.site import Site

CHECKOUT = Path(__file__).parent.parent
_PATIENCE = 60.0


@contextlib.contextmanager
def workers(site: Site, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the background processes while the block runs."""
    command = [sys.executable, "worker.py"]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env={**site.env, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(done: Callable[[], bool], *, every: float = 0.02, patience: float = _PATIENCE) -> None:
    """Return when `done()` is true.

    Raises TimeoutError when it never is.
    """
    ends = time.monotonic() + patience
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(every)


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has started."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found
