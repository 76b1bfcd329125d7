"""The embedded Valkey server: queues' bell, rate counters, broadcasts."""

import socket

from typing_extensions import override

from stack import binaries
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.process import Process

_CONFIG = """\
bind 127.0.0.1
port {port}
dir {data}
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""


class Valkey(Launcher):
    """Valkey on a port of its own, behind a password, with an append-only file."""

    def __init__(self, folder: DataFolder) -> None:
        """Choose nothing yet."""
        self._folder = folder
        self._port = 0
        self.process = Process("valkey", run=folder.run, logs=folder.logs)

    @override
    def start(self) -> None:
        """Write the configuration and start the server. Raises StackError."""
        self.process.end_leftover()
        program = binaries.valkey()
        data = self._folder.root / "valkey"
        data.mkdir(mode=0o700, exist_ok=True)
        self._port = self._folder.ports.get("valkey")
        config = data / "valkey.conf"
        config.touch(mode=0o600)
        # In a file, since everyone on the machine may read a command line.
        config.write_text(_CONFIG.format(port=self._port, data=_quoted(str(data)), password=self._password()))
        self.process.start([program, config], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, cwd=data)

    @override
    def wait_ready(self) -> None:
        """Return when the server has loaded its data and answers. Raises StackError."""
        self.process.wait_until(self._answers, timeout=30)

    @override
    def env(self) -> dict[str, str]:
        """Return the URL of the server."""
        return {"REDIS_URL": f"redis://:{self._password()}@127.0.0.1:{self._port}/0"}

    def _password(self) -> str:
        return self._folder.passwords.get("valkey")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password()}\r\nPING\r\n".encode())
                said = connection.makefile("rb")
                return said.readline() == b"+OK\r\n" and said.readline() == b"+PONG\r\n"
        except OSError:
            return False


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
