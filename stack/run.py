"""`make run`: everything that Terrace needs, in front, until Ctrl-C."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from stack import panel
from stack.database import Database
from stack.errors import StackError
from stack.folder import DataFolder
from stack.process import Process, end_with_parent
from stack.programs import Web, Worker
from stack.services import Services, data_dir, read_port

CHECKOUT = Path(__file__).parent.parent
_LOOK_EVERY = 0.3


class Interrupted(Exception):
    """Somebody asked the run to end."""


class Run:
    """One run: start in order, watch, stop in the reverse order."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Check the settings and take the data folder. Raises StackError."""
        port = read_port(environ)
        self._folder = DataFolder(data_dir(environ, CHECKOUT))
        self._folder.lock()
        self._services = Services(environ, self._folder)
        self._web = Web(self._folder, CHECKOUT, port)
        self._worker = Worker(self._folder, CHECKOUT)

    def start(self) -> None:
        """Bring everything up. Raises StackError."""
        self._web.check_port()
        self._worker.process.end_leftover()
        for launcher in self._services.launchers:
            launcher.start()
        for launcher in self._services.launchers:
            launcher.wait_ready()
        Database(self._folder, CHECKOUT, self._services.postgres).prepare(self._services.env())
        self._web.start(self._services.web_env())
        self._worker.start(self._services.worker_env())
        self._web.wait_ready()

    def describe(self, seconds: float) -> str:
        """Return the panel for the person at the keyboard."""
        return panel.render(self._services.env(), self._folder, seconds)

    def watch(self) -> None:
        """Stay until a process ends. Raises StackError then."""
        while True:
            for process in self._processes():
                if (code := process.exit_code()) is not None:
                    raise StackError(
                        f"{process.name} ended with code {code}. Its last words, from {process.log}:\n"
                        f"{process.last_words()}"
                    )
            time.sleep(_LOOK_EVERY)

    def stop(self) -> None:
        """Stop the programs, then the servers under them."""
        _stop([self._worker.process, self._web.process])
        servers = [launcher.process for launcher in self._services.launchers]
        for process in servers:
            process.ask()
        for launcher in reversed(self._services.launchers):
            launcher.stop()
        self._folder.unlock()

    def _processes(self) -> list[Process]:
        return [self._web.process, self._worker.process, *(each.process for each in self._services.launchers)]


def _stop(processes: Sequence[Process]) -> None:
    for process in processes:
        process.ask()
    for process in processes:
        process.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not cut the stopping short.
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run until told to stop; end with one sentence when that is not possible."""
    began = time.monotonic()
    for number in _ENDING:
        signal.signal(number, _interrupt)
    if "MAKELEVEL" in os.environ:
        # Started by make, not by a shell that may leave: when make is killed, nobody is in front any more.
        end_with_parent(signal.SIGTERM)
    failure = None
    run = None
    try:
        run = Run(os.environ)
        print("Starting Terrace …", flush=True)
        run.start()
        print(run.describe(time.monotonic() - began), flush=True)
        run.watch()
    except Interrupted:
        print("\nStopping …", flush=True)
    except StackError as error:
        failure = str(error)
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        if run is not None:
            run.stop()
    if failure:
        sys.exit(failure)
    print("Stopped. The data stays; `make run` goes on with it.", flush=True)


if __name__ == "__main__":
    main()
