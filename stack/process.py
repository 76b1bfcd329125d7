"""One server process: it dies with us, and what an earlier run left behind is ended before it starts again."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import proc
from stack.errors import StackError

# Runs before the server in its own process: becomes the server's user, asks the kernel for a signal when the starter
# dies (prctl 1 is PR_SET_PDEATHSIG; a change of user would undo it), looks whether that has happened already, and
# becomes the server. The user is changed here, since that user may be unable to run this Python.
_LEASH = """
import ctypes, os, sys
number, parent, uid, gid = map(int, sys.argv[1:5])
if uid >= 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
ctypes.CDLL(None).prctl(1, number)
if os.getppid() != parent:
    sys.exit("the starter is gone")
os.execv(sys.argv[5], sys.argv[5:])
"""
_PR_SET_PDEATHSIG = 1
_POLL = 0.02
# A leftover has had its signal from the kernel already, when its starter died.
_LEFTOVER_PATIENCE = 5.0
_LOG_LIMIT = 5_000_000


@dataclass(frozen=True)
class Login:
    """The system user a server runs as."""

    uid: int
    gid: int


class Process:
    """Start, watch and stop one server, known by a name in its data folder."""

    def __init__(
        self, name: str, *, run: Path, logs: Path, stop_signal: int = signal.SIGTERM, patience: float = 10
    ) -> None:
        """Name the server; nothing is started."""
        self.name = name
        self.log = logs / f"{name}.log"
        self._record = run / f"{name}.json"
        self._stop_signal = stop_signal
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        login: Login | None = None,
        wrap: Sequence[str] = (),
    ) -> None:
        """End a leftover of this name and start the command in a session of its own.

        Call it from the main thread: the kernel takes the end of the calling thread for the end of the parent.
        """
        self.end_leftover()
        rotate(self.log)
        user = (login.uid, login.gid) if login else (-1, -1)
        numbers = [str(number) for number in (int(self._stop_signal), os.getpid(), *user)]
        arguments = [*wrap, sys.executable, "-I", "-S", "-c", _LEASH, *numbers, *map(str, command)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                umask=0o077,
            )
        self._write_record(self._child.pid)

    @property
    def pid(self) -> int | None:
        """Return the number of the process while it is started."""
        return self._child.pid if self._child else None

    def exit_code(self) -> int | None:
        """Return how the process ended, or None while it runs or when it was never started."""
        return self._child.poll() if self._child else None

    def stop(self) -> None:
        """End the process and everything it started: first by asking, then by force."""
        if self._child is not None:
            self.ask()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(self._patience)
        self.end_leftover()
        if self._child is not None:
            self._child.wait()
            self._child = None

    def ask(self) -> None:
        """Send the stop signal and return at once, so that several can go down together."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self._stop_signal)

    def end_leftover(self) -> None:
        """End what is still alive of the process that the record names, and forget the record."""
        record = self._read_record()
        if record is not None:
            pid, started = record
            _end_session(pid, started, self._stop_signal, min(self._patience, _LEFTOVER_PATIENCE))
        self._record.unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, probe: Callable[[], bool], *, timeout: float) -> None:
        """Wait until the probe says yes.

        Raises StackError when the process ends or the time is over.
        """
        deadline = time.monotonic() + timeout
        while not probe():
            if (code := self.exit_code()) is not None:
                raise StackError(f"{self.name} ended with code {code} while it started:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready after {timeout:.0f} s:\n{self.last_words()}")
            time.sleep(_POLL)

    def _write_record(self, pid: int) -> None:
        seen = proc.look(pid)
        started = seen.started if seen else 0
        self._record.write_text(json.dumps({"pid": pid, "started": started, "boot": proc.boot_id()}))

    def _read_record(self) -> tuple[int, int] | None:
        try:
            record = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return None
        return (record["pid"], record["started"]) if record["boot"] == proc.boot_id() else None


def end_with_parent(number: int) -> None:
    """Ask the kernel to send this process a signal when its parent dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def rotate(log: Path) -> None:
    """Put a log that has grown large aside, once."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def _end_session(leader: int, started: int, stop_signal: int, patience: float) -> None:
    for number, limit in ((stop_signal, patience), (signal.SIGKILL, 5.0)):
        members = proc.session_of(leader, started)
        if not members:
            return
        # A living leader knows best how to end its own; without one, or by force, everyone is told.
        alone = members[0].pid == leader and number != signal.SIGKILL
        for member in members[:1] if alone else members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, number)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline and proc.session_of(leader, started):
            time.sleep(_POLL)
