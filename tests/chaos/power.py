"""What a power cut leaves of PostgreSQL: `kill -9` does not show it, since the kernel still writes what it was given.

Of the log everything behind the last flush is gone. Of the tables, each half page that was written since the last
checkpoint is either there or not. A page that was written ahead of its log would be a defect of the server's own, and
is left as it was.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from stack.postgres import Postgres
from tests.chaos.victims import family, kill

PAGE, HALF = 8192, 4096
SEGMENT = 16 << 20
_TABLES = ("base", "global")
# Replaced as a whole and synced by the server itself.
_WHOLE = ("pg_control", "pg_filenode.map", "PG_VERSION", "pg_internal.init")


class Power:
    """The power of one PostgreSQL server whose data is under `base`."""

    def __init__(self, server: Postgres, base: Path) -> None:
        self._server = server
        self._data = base / "data"
        self._synced = base / "synced"
        self._flushed = 0

    def checkpoint(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Bring everything to disk and remember the disk."""
        connection.execute("CHECKPOINT")
        with self._still():
            _copy(self._data, self._synced)

    def note_flushed(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Remember how far the log is on disk: what comes later is lost in the cut."""
        row = connection.execute("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        self._flushed = int(str(row[0]))

    def cut(self, dice: random.Random) -> int:
        """Cut the power; return how many half pages were lost."""
        with self._still() as pids:
            for pid in pids:
                kill(pid, signal.SIGKILL)
        self._server.stop()
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        lost = sum(
            self._lose_pages(path, dice)
            for folder in _TABLES
            for path in sorted((self._data / folder).rglob("*"))
            if path.is_file() and path.name not in _WHOLE
        )
        # Commit marks are written at checkpoints only, and their log comes first.
        for path in (self._synced / "pg_xact").iterdir():
            (self._data / "pg_xact" / path.name).write_bytes(path.read_bytes())
        self._lose_log()
        shutil.rmtree(self._synced)
        return lost

    @contextmanager
    def _still(self) -> Iterator[list[int]]:
        """Let nothing of the server move while the block runs."""
        # The first one before the others: it makes new ones.
        kill(self._server.process.pid or 0, signal.SIGSTOP)
        pids = [pid for pid in family(self._server.process.pid or 0) if kill(pid, signal.SIGSTOP)]
        try:
            yield pids
        finally:
            for pid in pids:
                kill(pid, signal.SIGCONT)

    def _lose_pages(self, path: Path, dice: random.Random) -> int:
        there = self._synced / path.relative_to(self._data)
        if not there.exists():
            return 0
        new, old = bytearray(path.read_bytes()), there.read_bytes()
        lost = 0
        for at in range(0, len(new), HALF):
            if new[at : at + HALF] == old[at : at + HALF]:
                continue
            if self._is_ahead(new, at) or dice.random() < 0.5:
                new[at : at + HALF] = old[at : at + HALF].ljust(HALF, b"\0")
                lost += 1
        path.write_bytes(new)
        return lost

    def _is_ahead(self, content: bytearray, at: int) -> bool:
        high, low = struct.unpack_from("<II", content, at - at % PAGE)
        return (high << 32 | low) > self._flushed

    def _lose_log(self) -> None:
        for path in sorted((self._data / "pg_wal").iterdir()):
            if len(path.name) != 24:
                continue
            begins = int(path.name[8:16], 16) * (SEGMENT << 8) + int(path.name[16:], 16) * SEGMENT
            kept = min(max(self._flushed - begins, 0), SEGMENT)
            with path.open("r+b") as file:
                file.truncate(kept)
                file.truncate(SEGMENT)


def tear_log(folder: Path, lost: int) -> None:
    """Cut the last bytes off a Valkey server's log, as when they were never synced."""
    newest = max(folder.glob("appendonlydir/*.incr.aof"), key=lambda path: path.name)
    os.truncate(newest, max(0, newest.stat().st_size - lost))


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    # With owners: the server runs as somebody else.
    subprocess.run(["cp", "-a", source, target], check=True)
