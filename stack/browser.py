"""The Chromium of the browser tests: found, or installed where this is allowed.

`python -m stack.browser` makes sure that there is one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack import chromium
from stack.errors import StackError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_COMMAND = "apt-get install -y --no-install-recommends chromium"
# Chromium's own sandbox refuses root, and small machines have little shared memory.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")


def find() -> Path | None:
    """Return the browser, or None. Raises StackError when TERRACE_CHROMIUM names no file."""
    named = os.environ.get("TERRACE_CHROMIUM")
    if named:
        if Path(named).exists():
            return Path(named)
        raise StackError(f"TERRACE_CHROMIUM names {named}, which does not exist.")
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    return chromium.find()


def ensure() -> Path:
    """Return the browser, installed now where it is missing. Raises StackError when it cannot be."""
    browser = find()
    if browser is not None:
        return browser
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("  Installing Chromium for the browser tests …", flush=True)
        _install()
        return _found()
    print("  Fetching a Chromium for the browser tests …", flush=True)
    try:
        return chromium.fetch()
    except StackError as error:
        raise StackError(
            f"{error}\nThe browser tests need Chromium: run `sudo {_COMMAND}`, or set TERRACE_CHROMIUM to one."
        ) from error


def _found() -> Path:
    browser = find()
    if browser is None:
        raise StackError("Chromium is not on the PATH after its installation; set TERRACE_CHROMIUM to it.")
    return browser


def _install() -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("apt-get update -qq", f"{_COMMAND} -qq"):
        done = subprocess.run(command.split(), env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"Chromium could not be installed by `{command}`:\n{done.stderr.strip()}")


if __name__ == "__main__":
    try:
        ensure()
    except StackError as error:
        sys.exit(str(error))
