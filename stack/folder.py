"""The data folder: what is kept there, and who may have it open."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from stack.errors import StackError
from stack.passwords import Passwords
from stack.ports import PortBook


class DataFolder:
    """Hold the paths, ports and passwords of one copy of the servers."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing. Raises StackError when it cannot be made."""
        self.root = root.absolute()
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for private in (self.logs, self.run):
                private.mkdir(mode=0o700, exist_ok=True)
            # Root starts PostgreSQL as another user, who has to pass through here; nobody else has to.
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise StackError(f"DATA_DIR cannot be used: {error.strerror} for {self.root}.") from error
        self.passwords = Passwords(self.root / "secrets.json")
        self.ports = PortBook(self.root / "ports.json")
        self._lock: TextIO | None = None

    def lock(self) -> None:
        """Keep the folder for this process. Raises StackError when another process has it."""
        handle = (self.run / "lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            handle.close()
            raise StackError(
                f"DATA_DIR {self.root} is in use by process {owner}: stop that one, or set DATA_DIR to another folder."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._lock = handle

    def unlock(self) -> None:
        """Let the next process have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
