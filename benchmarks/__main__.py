"""`python -m benchmarks [NAME …]`: measure everything, or what is named; ends with 1 when a bound is broken."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import binding, exports, imports, orders, processes, products, schemas, signups, surroundings
from benchmarks.figures import Figure, table
from benchmarks.site import Site

PARTS: dict[str, Callable[[Site], list[Figure]]] = {
    "binding": binding.run,
    "products": products.run,
    "surroundings": surroundings.run,
    "orders": orders.run,
    "schemas": schemas.run,
    "signups": signups.run,
    "imports": imports.run,
    "exports": exports.run,
    "processes": processes.run,
}


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the hot paths against floors.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)} (all of them)")
    wanted = parser.parse_args(arguments).names or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"nothing is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    began = time.monotonic()
    figures: list[Figure] = []
    with Site() as site:
        for name in wanted:
            _say(f"{time.monotonic() - began:4.0f} s  {name} …")
            figures += PARTS[name](site)
    _say(f"{time.monotonic() - began:4.0f} s  done")
    print(table(figures))
    # Ratios and processor times stand a busy machine; sign-ups and start times, by the clock on the wall, do not.
    print(
        f"\n{os.cpu_count()} cores; load {os.getloadavg()[2]:.1f} in the last fifteen minutes, the benchmark included."
    )
    broken = [figure.name for figure in figures if not figure.ok]
    if broken:
        print(f"\nNot within its bound: {'; '.join(broken)}.")
    return 1 if broken else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
