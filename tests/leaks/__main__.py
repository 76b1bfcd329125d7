"""Seeds known defects one by one into a copy of the tree and sees that the isolation suites catch each.

`make test-leaks` runs all of them. `python -m tests.leaks 4 33` runs
some by their numbers, `--list` says what there is. The matrix at the end shows which suite caught which defect; the
exit code is 1 when a defect was caught by fewer suites than its declaration asks for, or when a suite broke: one whose
fixtures fail has noticed nothing, and has not looked either.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.leaks.defects import DEFECTS as FIRST
from tests.leaks.defects import Defect
from tests.leaks.further import FURTHER

DEFECTS = (*FIRST, *FURTHER)
ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "var", "__pycache__", ".*_cache", ".hypothesis")
# Seconds that one defect may take.
PATIENCE = 420


@dataclass(frozen=True, slots=True)
class Outcome:
    """What each suite said of one defect: the first test that failed, or "" where none did; `broken` ones with why."""

    defect: Defect
    by_suite: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    # Why the suites could not be run at all.
    obstacle: str = ""
    seconds: float = 0.0

    @property
    def caught(self) -> int:
        """How many suites noticed it."""
        return sum(bool(name) for name in self.by_suite.values())

    @property
    def trouble(self) -> str:
        """What keeps this from being a verdict: the suites were not run, or some of them broke."""
        broken = [f"{suite} is broken: {line}" for suite, line in self.broken.items()]
        return "; ".join([self.obstacle, *broken] if self.obstacle else broken)

    @property
    def is_good(self) -> bool:
        """Whether enough of them did."""
        return not self.trouble and self.caught >= self.defect.layers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the defects that were asked for, say what came of them, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="numbers of defects; all without")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--at-once", type=int, default=2, help="how many run side by side")
    options = parser.parse_args(arguments)
    chosen = [d for d in DEFECTS if not options.numbers or d.number in options.numbers]
    if options.list:
        print("\n".join(f"{d.number:>3}  {d.name}" for d in DEFECTS))
        return 0
    outcomes = run(chosen, at_once=options.at_once)
    print(table(outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def run(chosen: Sequence[Defect], *, at_once: int) -> list[Outcome]:
    """Seed each of `chosen` into a copy of the tree of its own, `at_once` at a time."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(at_once) as pool:
        trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for _ in range(min(at_once, len(chosen))):
            trees.put(stack.enter_context(_copy()))

        def one(defect: Defect) -> Outcome:
            tree = trees.get()
            try:
                return _try(defect, tree)
            finally:
                trees.put(tree)

        return list(pool.map(one, chosen))


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="terrace-leaks-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        yield tree


def _try(defect: Defect, tree: Path) -> Outcome:
    started = time.monotonic()
    with _seeded(defect, tree) as obstacle:
        outcome = Outcome(defect, obstacle=obstacle) if obstacle else run_suites(defect, tree)
    outcome = replace(outcome, seconds=time.monotonic() - started)
    verdict = "caught" if outcome.is_good else "NOT CAUGHT"
    print(f"{defect.number:>3}  {defect.name}: {verdict} ({outcome.seconds:.0f} s) {outcome.trouble}", flush=True)
    return outcome


@contextlib.contextmanager
def _seeded(defect: Defect, tree: Path) -> Iterator[str]:
    """Change the files of `tree` for as long as the context lasts; gives a sentence when that cannot be done."""
    before = {patch.file: (tree / patch.file).read_text() for patch in defect.patches}
    texts, trouble = dict(before), ""
    for patch in defect.patches:
        if texts[patch.file].count(patch.old) != 1:
            trouble = f"{patch.file} has changed: renew the patch"
        texts[patch.file] = texts[patch.file].replace(patch.old, patch.new)
    for name, text in texts.items():
        compile(text, name, "exec")
        (tree / name).write_text(text)
    try:
        yield trouble
    finally:
        for name, text in before.items():
            (tree / name).write_text(text)


def run_suites(defect: Defect, tree: Path) -> Outcome:
    """Run the suites of `defect` in `tree` as it stands and return what each said."""
    report = tree / "leaks.json"
    report.unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "DATABASE", "WORKER_DATABASE"))}
    environment |= {"LEAKS_REPORT": str(report), "LEAKS_AT_SETUP": str(int(defect.at_setup)), "PYTHONPATH": str(tree),
                    "PYTHONDONTWRITEBYTECODE": "1", "ISOLATION_STATEMENTS": "600",
                    "SOAK_CHECKS": "10000", "PROGRAMS": "24", "PROGRAM_SEED": "1"}  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.leaks.plugin", "--tb=no",
               "--continue-on-collection-errors", *defect.suites]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(defect, obstacle="took too long")
    if not report.exists():
        return Outcome(defect, obstacle=f"the suites did not run: {done.stdout[-400:]}{done.stderr[-400:]}")
    said: dict[str, dict[str, str]] = json.loads(report.read_text())
    return Outcome(defect, {suite: said["caught"].get(suite, "") for suite in defect.suites}, said["broken"])


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the matrix of defects and suites."""
    suites = sorted({suite for outcome in outcomes for suite in outcome.defect.suites})
    names = [Path(suite).stem.removeprefix("test_") for suite in suites]
    lines = ["", f"{'':52}" + " ".join(f"{name[:11]:>11}" for name in names)]
    for outcome in outcomes:
        cells = [f"{_mark(outcome, suite):>11}" for suite in suites]
        lines.append(f"{outcome.defect.number:>3} {outcome.defect.name[:47]:48}" + " ".join(cells))
    good = sum(outcome.is_good for outcome in outcomes)
    twice = sum(outcome.caught > 1 for outcome in outcomes)
    lines.append(f"\n{good} of {len(outcomes)} defects caught, {twice} of them by two suites or more")
    return "\n".join(lines)


def _mark(outcome: Outcome, suite: str) -> str:
    if suite in outcome.broken:
        return "BROKEN"
    return "" if suite not in outcome.by_suite else "caught" if outcome.by_suite[suite] else "-"


if __name__ == "__main__":
    sys.exit(main())
