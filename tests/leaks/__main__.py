"""`make test-leaks`: put each defect into a copy of the tree and see that its suites fail there, and pass without it.

Prints defect × suite and ends with 1 when a suite did not notice. About a quarter of an hour; the checkout stays as it
is. Words after the command choose the defects whose names hold one of them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.leaks.defects import DEFECTS, Defect

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
# pytest's exit code when tests ran and some failed; anything else is a run that proves nothing.
FAILED = 1


def main() -> int:
    """Run everything and return the exit code."""
    wanted = sys.argv[1:]
    chosen = [d for d in DEFECTS if not wanted or any(word in d.name for word in wanted)]
    with tempfile.TemporaryDirectory(prefix="terrace-leaks-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_LEFT_OUT)
        (tree / "node_modules").symlink_to(ROOT / "node_modules")
        missed = [line for defect in chosen for line in _try(tree, defect)]
    caught = len(chosen) - len({line.split(":")[0] for line in missed})
    print(f"\n{caught} passed, {len(chosen) - caught} failed")
    return 1 if missed else 0


def _try(tree: Path, defect: Defect) -> list[str]:
    """Put the defect in, run its suites, take it out; return what did not notice."""
    path = tree / defect.file
    sound = path.read_text()
    if sound.count(defect.old) != 1:
        print(f"  ??     {defect.name}: {defect.file} does not hold the text once", flush=True)
        return [f"{defect.name}: cannot be put in"]
    path.write_text(sound.replace(defect.old, defect.new))
    try:
        return [line for suite in defect.suites for line in _run(tree, defect, suite)]
    finally:
        path.write_text(sound)


def _run(tree: Path, defect: Defect, suite: tuple[str, ...]) -> list[str]:
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *suite]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    noticed = done.returncode == FAILED
    seconds = time.monotonic() - started
    print(f"  {'caught' if noticed else 'MISSED'} {seconds:5.0f} s  {defect.name}  by {' '.join(suite)}", flush=True)
    if not noticed:
        print("\n".join(done.stdout.splitlines()[-5:]), flush=True)
    return [] if noticed else [f"{defect.name}: {' '.join(suite)}"]


if __name__ == "__main__":
    sys.exit(main())
