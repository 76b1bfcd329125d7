"""As whom PostgreSQL runs, which refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError
from stack.process import Login

_NOBODY = "nobody"
# Root-owned files look like nobody's own inside such a user namespace.
_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True)
class Way:
    """The system user to become, or the command to put in front."""

    login: Login | None = None
    wrap: tuple[str, ...] = ()

    def run(self, command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> str:
        """Run a command to its end and return what it said. Raises CalledProcessError, OSError."""
        return subprocess.run(
            [*self.wrap, *map(str, command)],
            cwd=cwd,
            env=env,
            user=self.login.uid if self.login else None,
            group=self.login.gid if self.login else None,
            extra_groups=[] if self.login else None,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout


def choose(base: Path, program: Path) -> Way:
    """Make the base folder and return the way that reaches it and the program.

    An ordinary user runs the server as is. Root becomes nobody; where nobody cannot reach the files (a checkout in
    root's own home), a user namespace serves. Data made one way is not readable the other way, so existing data
    decides by its owner. Raises StackError when no way works.
    """
    if os.geteuid() != 0:
        base.mkdir(mode=0o700, exist_ok=True)
        return Way()
    user = pwd.getpwnam(_NOBODY)
    dropped, mapped = Way(login=Login(user.pw_uid, user.pw_gid)), Way(wrap=_NAMESPACE)
    owner = base.stat().st_uid if (base / "data").exists() else None
    for way, uid in ((dropped, user.pw_uid), (mapped, 0)):
        if owner in (None, uid):
            base.mkdir(mode=0o700, exist_ok=True)
            os.chown(base, uid, user.pw_gid if uid else 0)
            if _works(way, base, program):
                return way
    raise StackError(
        f"PostgreSQL does not run as root, and neither the user {_NOBODY} nor a user namespace can reach {program} "
        f"and {base}: run as an ordinary user, or set DATA_DIR to a folder outside root's home."
    )


def _works(way: Way, base: Path, program: Path) -> bool:
    try:
        # By its whole path: a folder entered before the change of user proves nothing about the folders above it.
        reach = 'cd "$0" && exec "$1" --version'
        way.run(["/bin/sh", "-c", reach, base, program], cwd=Path("/"), env={"PATH": "/usr/bin:/bin"})
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
