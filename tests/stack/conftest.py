"""A folder that every user may pass through: PostgreSQL runs as another user when the tests run as root."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack import proc
from stack.folder import DataFolder


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a temporary folder that lets other users through, as an ordinary checkout does."""
    root = Path(tempfile.mkdtemp(prefix="terrace-place-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def folder(place: Path) -> DataFolder:
    return DataFolder(place / "data")


def members(leader: int) -> list[proc.Seen]:
    """Return who is alive of the session that this process opened, itself included."""
    head = proc.look(leader)
    return proc.session_of(leader, head.started if head else 0)


def eventually(holds: Callable[[], bool], *, within: float = 20) -> bool:
    """Tell whether something comes true in time; for what another process does and nobody announces."""
    deadline = time.monotonic() + within
    while not (now := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return now
