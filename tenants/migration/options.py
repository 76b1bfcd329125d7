"""How a run behaves, and how it tells what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenants.migration.plan import Plan, Target


@dataclass(frozen=True, slots=True)
class Options:
    """The levers of a run. Times of statements are milliseconds, others seconds."""

    workers: int = 2
    # How many schemas go first and alone, and how many then go before the failures are counted again.
    canary: int = 1
    wave: int = 100
    # Failures that a run bears before it stops; among the canaries none is borne.
    budget: int = 3
    pools_first: bool = False
    # A statement that waits for a lock makes the traffic behind it wait: give way early, try again often.
    lock_timeout: int = 500
    lock_tries: int = 12
    statement_timeout: int = 5000
    # How long to wait for another run to end.
    patience: float = 600.0


@dataclass(slots=True)
class Report:
    """What a run did: schemas that moved, stayed, and failed with a reason. Names outside `main` say their database."""

    head: str
    moved: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    # Schemas at a revision that only a newer release knows; they are left alone.
    ahead: list[str] = field(default_factory=list)
    # Why the run ended before everything was tried; empty when it did not.
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Whether every schema that this release knows stands at the head."""
        return not self.failed and not self.stopped


class Watch(Protocol):
    """Somebody who looks on; called from the threads of a run, one at a time."""

    def planned(self, plan: Plan) -> None:
        """Hear how many schemas will be moved, before the first is."""

    def moved(self, target: Target, seconds: float) -> None:
        """Hear that a schema stands at the head."""

    def failed(self, target: Target, reason: str) -> None:
        """Hear that a schema could not be moved."""

    def waiting(self, what: str) -> None:
        """Hear what the run waits for."""


class Silent:
    """Nobody looks on."""

    def planned(self, plan: Plan) -> None:
        """Do nothing."""

    def moved(self, target: Target, seconds: float) -> None:
        """Do nothing."""

    def failed(self, target: Target, reason: str) -> None:
        """Do nothing."""

    def waiting(self, what: str) -> None:
        """Do nothing."""
