"""Make a checkout ready to run: Python packages from the hashed lock, front-end files from npm's lock.

Standard library only, since it runs first: `python3 -m stack.setup`. Does nothing where nothing has changed.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from stack import node
from stack.assets import Assets
from stack.errors import StackError
from stack.node import CHECKOUT, PIP, PYTHON

_VENV = CHECKOUT / ".venv"
_OLDEST, _TOO_NEW = (3, 11), (3, 14)


def set_up() -> None:
    """Bring the virtual environment and the front-end files up to date. Raises StackError."""
    if not _OLDEST <= sys.version_info[:2] < _TOO_NEW:
        raise StackError(f"Terrace needs Python 3.11, 3.12 or 3.13, and this is {sys.version.split()[0]}.")
    _packages(CHECKOUT / "requirements-dev.txt")
    assets = Assets(CHECKOUT)
    if not assets.fresh():
        _say("Fetching the front-end files")
        assets.build(node.find())


def _packages(lock: Path) -> None:
    stamp = _VENV / ".terrace-stamp"
    packages = _VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    usable = packages.exists() and _works(PYTHON)
    if usable and stamp.exists() and stamp.read_text() == wanted:
        return
    if not usable:
        _make_venv()
    _say("Installing the Python packages")
    _install(lock)
    stamp.write_text(wanted)


def _make_venv() -> None:
    _say("Making the virtual environment")
    with tempfile.TemporaryFile("w+") as said:
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", _VENV], stdout=said, stderr=said, check=False)
    if made.returncode != 0:
        raise StackError(
            f"{sys.executable} cannot make virtual environments: install its venv module "
            "(on Debian: apt-get install python3-venv) and try again."
        )


def _install(lock: Path) -> None:
    uv = _run(*PIP, CHECKOUT / "requirements-uv.txt") and _run(
        PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", lock
    )
    # pip reads the same file, only more slowly: it may know a package mirror that uv has not been told of.
    if not uv and not _run(*PIP, lock):
        raise StackError("The Python packages could not be installed; what pip said is above.")


def _works(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _run(*command: str | Path) -> bool:
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 0


def _say(step: str) -> None:
    print(f"  {step} …", flush=True)


if __name__ == "__main__":
    try:
        # An image is built from packages fetched in a stage of its own.
        Assets(CHECKOUT).collect() if sys.argv[1:] == ["front-end"] else set_up()
    except StackError as error:
        sys.exit(str(error))
