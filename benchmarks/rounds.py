"""Two ways of doing one thing, measured in turns (A B, B A, …), so that a busy machine hurts both alike."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds for one operation on either side, and the median of the rounds' own ratios."""

    floor: float
    measured: float
    ratio: float


def compare(
    floor: Callable[[], object], measured: Callable[[], object], *, clock: Clock, count: int, rounds: int
) -> Turns:
    """Do both sides `count` times in each round, in changing order, and return what one time costs by `clock`."""
    for _ in range(max(3, count // 10)):
        floor()
        measured()
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        pair = [(floor, costs[0]), (measured, costs[1])]
        for side, found in pair if number % 2 == 0 else reversed(pair):
            found.append(_cost(side, clock, count))
    return Turns(
        floor=median(costs[0]),
        measured=median(costs[1]),
        ratio=median(b / a for a, b in zip(*costs, strict=True)),
    )


def _cost(side: Callable[[], object], clock: Clock, count: int) -> float:
    gc.collect()
    began = clock()
    for _ in range(count):
        side()
    return (clock() - began) / count


def cpu_with(pids: Sequence[int]) -> Clock:
    """Return a clock of the processor time of this process and of `pids`, each of one thread."""
    return lambda: time.process_time() + sum(map(cpu_of, pids))


def cpu_of(pid: int) -> float:
    """Return the seconds that the main thread of `pid` has spent on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextlib.contextmanager
def on_one_core(pids: Sequence[int] = ()) -> Iterator[None]:
    """Keep this process and `pids` on one core, where the system allows it: fewer surprises by the scheduler."""
    everybody = [0, *pids]
    before = {pid: os.sched_getaffinity(pid) for pid in everybody}
    core = {max(before[0])}
    try:
        for pid in everybody:
            with contextlib.suppress(PermissionError):
                os.sched_setaffinity(pid, core)
        yield
    finally:
        for pid, cores in before.items():
            with contextlib.suppress(PermissionError, ProcessLookupError):
                os.sched_setaffinity(pid, cores)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
