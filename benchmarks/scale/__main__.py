"""`python -m benchmarks.scale`: build a crowd, measure at every stage, and print the table."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks import orders
from benchmarks.client import Answer
from benchmarks.figures import Figure, table
from benchmarks.products import fill, listing
from benchmarks.scale import fanout, figures
from benchmarks.scale.crowd import PRODUCTS, Crowd
from benchmarks.site import Site
from tenants.databases import MAX_SCHEMAS_PER_CONNECTION

# A list at the last stage against the first, and a schema made at the last against the first.
FLAT_LIST, FLAT_SCHEMA = 1.15, 1.2
_STRANGERS = 150
# So many of the crowd go on while all schemas are moved.
_BESIDE = 12


def main() -> int:
    """Measure at every stage; end with 1 when something is not flat."""
    options = _options()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {line}", file=sys.stderr, flush=True)

    with Site(pools=options.pools) as site:
        found = Stages(site, say).run(options.pooled, options.dedicated)
    print(table(found))
    broken = [figure.name for figure in found if not figure.ok]
    if broken:
        print(f"\nNot within its bound: {'; '.join(broken)}.")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--pooled", type=int, default=100_000, help="pooled tenants at the last stage")
    parser.add_argument("--dedicated", type=int, default=1_000, help="dedicated tenants at the last stage")
    parser.add_argument("--pools", type=int, default=20, help="pools")
    return parser.parse_args()


class Stages:
    """One installation on its way from a few tenants to very many."""

    def __init__(self, site: Site, say: Callable[[str], None]) -> None:
        self._site, self._say = site, say
        self._crowd = Crowd(site)
        self._lists: dict[str, Callable[[], Answer]] = {}
        for isolation, tier in (("pooled", "premium"), ("dedicated", "enterprise")):
            tenant, owner = site.tenant(tier)
            fill(site, tenant, 500)
            self._lists[isolation] = listing(site, tenant, owner)

    def run(self, pooled: int, dedicated: int) -> list[Figure]:
        """Grow and measure."""
        schemas = self._grow_dedicated([0, dedicated // 10, dedicated])
        lists = self._grow_pooled([10, min(1_000, pooled), pooled])
        self._say("memory of a connection")
        return [*lists, *schemas, *self._memory(), *figures.resolver(self._site, self._crowd), *self._rest()]

    def _grow_dedicated(self, counts: list[int]) -> list[Figure]:
        found: list[Figure] = []
        for count in counts:
            self._say(f"{count:,} dedicated tenants")
            self._crowd.grow_dedicated(count)
            taken = figures.provisioning_ms(self._site)
            first = found[0].measured if found else taken
            bound = FLAT_SCHEMA if count == counts[-1] else None
            found.append(Figure(f"making a schema beside {count:,}", taken, "ms", first, taken / first, bound))
        return found

    def _grow_pooled(self, counts: list[int]) -> list[Figure]:
        found: dict[str, list[Figure]] = {isolation: [] for isolation in self._lists}
        for count in counts:
            self._say(f"{count:,} pooled tenants")
            self._crowd.grow_pooled(count)
            for isolation, ask in self._lists.items():
                taken = figures.list_p50(ask)
                first = found[isolation][0].measured if found[isolation] else taken
                bound = FLAT_LIST if count == counts[-1] else None
                name = f"list of 50, {isolation}, p50 beside {count:,} tenants"
                found[isolation].append(Figure(name, taken, "µs", first, taken / first, bound))
        return [figure for part in found.values() for figure in part] + [self._strangers()]

    def _strangers(self) -> Figure:
        """Ask a different tenant each time, none of whom was seen before."""
        chosen = random.Random(2).sample(range(1, self._crowd.pooled), min(_STRANGERS, self._crowd.pooled - 1))
        asks = [listing(self._site, *self._crowd.member(number)) for number in chosen]
        self._site.runtime.resolver.clear()
        return Figure("list of 8, another tenant each time, p50", median(_microseconds(ask) for ask in asks), "µs")

    def _memory(self) -> list[Figure]:
        tenants = self._crowd.dedicated
        kept, visit = figures.backend_memory(self._site, tenants, most=MAX_SCHEMAS_PER_CONNECTION)
        grown, bare = figures.backend_memory(self._site, tenants, most=1_000_000)
        return [
            Figure(f"backend after {len(tenants):,} schemas, replaced every {MAX_SCHEMAS_PER_CONNECTION}", kept, "MiB"),
            Figure(f"backend after {len(tenants):,} schemas, never replaced", grown, "MiB"),
            Figure("a visit to a dedicated tenant, with replacing", visit, "ms"),
            Figure("a visit to a dedicated tenant, without", bare, "ms"),
        ]

    def _rest(self) -> list[Figure]:
        self._say("dump, catalogs")
        found = [figures.dump(self._site, self._crowd.dedicated[0]), *figures.catalog(self._site)]
        self._say("fan-out")
        return [*found, *fanout.run(self._site, self._asks())]

    def _asks(self) -> list[Callable[[], Answer]]:
        """Return lists and orders by turns: of the first tenants, and of some of the crowd in schemas of their own."""
        asks, owner = list(self._lists.values()), self._crowd.landlord
        for tenant in self._crowd.dedicated[-_BESIDE:]:
            fill(self._site, tenant, PRODUCTS)
            listed = listing(self._site, tenant, owner)
            asks += [listed, orders.placing(self._site, tenant, owner, [listed().json["items"][0]["id"]])]
        return asks


def _microseconds(ask: Callable[[], Answer]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1e6


if __name__ == "__main__":
    sys.exit(main())
