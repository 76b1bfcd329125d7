"""The tiers: limits, features and rates of each service class, read from `config/tiers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

UNLIMITED = -1
_FILE = Path(__file__).parent.parent / "config" / "tiers.toml"


@dataclass(frozen=True, slots=True)
class Tier:
    """One service class. Rates are requests a second, timeouts milliseconds, limits counts (-1: none)."""

    name: str
    label: str
    summary: str
    placement: str
    rank: int
    rate: int
    burst: int
    statement_timeout: int
    lock_timeout: int
    idle_timeout: int
    weight: int
    concurrent_jobs: int
    concurrent_requests: int
    limits: Mapping[str, int]
    features: Mapping[str, bool]


def load_tiers(path: Path = _FILE) -> Mapping[str, Tier]:
    """Return the tiers of `path`, lowest rank first.

    Raises TypeError when a tier lacks a value or has an unknown one.
    """
    with path.open("rb") as file:
        raw = tomllib.load(file)
    tiers = [
        Tier(
            name=name,
            limits=MappingProxyType(dict(spec.pop("limits"))),
            features=MappingProxyType(dict(spec.pop("features"))),
            **spec,
        )
        for name, spec in raw.items()
    ]
    return MappingProxyType({t.name: t for t in sorted(tiers, key=lambda t: t.rank)})


@cache
def tiers() -> Mapping[str, Tier]:
    """Return this installation's tiers."""
    return load_tiers()
