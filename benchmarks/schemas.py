"""Making a dedicated schema through the engine, beside the same DDL as one script in one round trip."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.kit.ids import new_id
from benchmarks.figures import Figure
from benchmarks.rounds import compare
from benchmarks.site import Site
from tenants.schemas import create_schema, create_script, drop_schema, migrator
from tenants.spares import build_schema

BOUND = 1.3


def run(site: Site) -> list[Figure]:
    """Measure by the clock on the wall, for all the work is the server's.

    Once on a connection that is open; and once as a job does it, with the look at the ceiling and a connection of its
    own, beside a script that has to connect as well: half of what a new connection costs is that it knows no catalog.
    """
    url = str(site.settings.database_admin_url)
    names: list[str] = []

    def named() -> str:
        names.append(f"t_{new_id().hex}")
        return names[-1]

    def connect_and_run() -> None:
        with migrator(url) as fresh:
            fresh.execute(create_script(named()))

    with migrator(url) as open_one:
        try:
            return [
                _figure(
                    "dedicated schema, open connection",
                    lambda: open_one.execute(create_script(named())),
                    lambda: create_schema(open_one, named()),
                ),
                _figure(
                    "dedicated schema, as a job makes it",
                    connect_and_run,
                    lambda: build_schema(site.worker_runtime, named()),
                ),
            ]
        finally:
            for name in names:
                drop_schema(open_one, name)


def _figure(name: str, floor: Callable[[], object], measured: Callable[[], object]) -> Figure:
    turns = compare(floor, measured, clock=time.perf_counter, count=2, rounds=9)
    return Figure(name, turns.measured * 1e3, "ms", turns.floor * 1e3, turns.ratio, BOUND)
