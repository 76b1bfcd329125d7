"""Which jobs exist and how each may be run. A job without a declaration cannot be enqueued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

URGENT = "urgent"
QUEUES = (URGENT, "default", "bulk")


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One kind of job.

    `run` takes `(ctx, work, **args)`. With `transaction="one"` the runner opens one transaction bound to the tenant,
    and the job's end commits with its effects. With `"many"` `ctx` is None for the job's whole life and the function
    opens transactions itself by `work.transaction()`; each of them is fenced. Times are seconds.
    """

    kind: str
    run: Callable[..., Any]
    queue: str = "default"
    transaction: str = "one"
    timeout: int = 60
    max_attempts: int = 5
    backoff: float = 2.0
    # Platform jobs act for no tenant (sweeps, spares); they get the runtime instead of a tenant's context.
    platform: bool = False
    # What people call this work; only work with a title is listed to them.
    title: str = ""
    # `(ctx, result)` → the result as a reader gets it, for what must not be stored, such as a link that expires.
    present: Callable[[Any, dict[str, Any]], dict[str, Any]] | None = None
    # Gets the runtime in a worker before it forks, and leaves nothing behind but a warm process.
    rehearse: Callable[[Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that the scheduler enqueues once in every slot of length `every`; each slot runs at most once."""

    name: str
    kind: str
    every: timedelta


class JobRegistry:
    """The jobs of all modules by kind."""

    def __init__(self, specs: Iterable[JobSpec] = ()) -> None:
        self._specs: dict[str, JobSpec] = {}
        for spec in specs:
            self.add(spec)

    def add(self, spec: JobSpec) -> None:
        """Register `spec`.

        Raises ValueError for a kind that is taken or a declaration that makes no sense.
        """
        if spec.kind in self._specs:
            raise ValueError(f"two jobs are called {spec.kind}")
        known = spec.queue in QUEUES and spec.transaction in ("one", "many")
        if not known or spec.max_attempts < 1 or spec.timeout < 1 or spec.backoff <= 0:
            raise ValueError(f"job {spec.kind} is declared wrongly")
        self._specs[spec.kind] = spec

    def get(self, kind: str) -> JobSpec:
        """Return the job called `kind`.

        Raises KeyError when no module declares it.
        """
        return self._specs[kind]

    def __iter__(self) -> Iterator[JobSpec]:
        return iter(self._specs.values())
