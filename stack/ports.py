"""Ports for the embedded servers: free ones, the same again after a restart."""

import json
import random
import socket
from pathlib import Path

from stack.errors import StackError

# Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that no connection
# that happens to be open can sit on a port that a server wants back.
_LOWEST, _HIGHEST = 12_000, 22_000
# SeaweedFS opens a second port for each of its ports, this much higher.
SHADOW = 10_000
_TRIES = 500


def is_free(port: int) -> bool:
    """Tell whether a server could listen on that port of this machine now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class PortBook:
    """Remember one port for each name."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier start has written."""
        self._path = path
        self._known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str, *, shadow: bool = False) -> int:
        """Return the port of that name: the last one while it is free, else a new one.

        Raises StackError when no port is free.
        """
        port = self._known.get(name)
        if port is None or not _usable(port, shadow=shadow):
            port = self._choose(shadow=shadow)
            self._known[name] = port
            self._path.write_text(json.dumps(self._known, indent=2))
        return port

    def _choose(self, *, shadow: bool) -> int:
        taken = set(self._known.values())
        for _ in range(_TRIES):
            # At random, so that two copies that start together rarely ask for the same one.
            port = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311 (no secret)
            if port not in taken and _usable(port, shadow=shadow):
                return port
        raise StackError(f"No free port was found between {_LOWEST} and {_HIGHEST}.")


def _usable(port: int, *, shadow: bool) -> bool:
    return is_free(port) and (not shadow or is_free(port + SHADOW))
