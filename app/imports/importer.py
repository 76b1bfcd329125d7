"""What a kind of file must be able to do, and what comes out of one batch of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.imports.mapping import Field
from app.imports.problems import Problem
from app.imports.spool import Group, Record, Spool
from tenants.context import Ctx


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was made or changed: the first row that names it, and its fields before and after.

    `kind` is "product" or "order". Without `target_id` it does not exist yet: a trial would make it.
    """

    row: int
    kind: str
    action: str
    label: str
    target_id: UUID | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of the rows of one batch. Every row is in exactly one of the three numbers."""

    imported: int = 0
    unchanged: int = 0
    failed: int = 0
    issues: list[tuple[int, Problem]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def lose(self, group: Group, problem: Problem) -> None:
        """Leave a whole group out, and say why at each of its rows."""
        self.failed += len(group.rows)
        self.say(group.numbers(), problem)

    def say(self, rows: Iterable[int], problem: Problem) -> None:
        """Say something about rows."""
        self.issues += [(row, problem) for row in rows]


class Importer(Protocol):
    """One kind of file. An instance serves one attempt at one import, batch after batch."""

    fields: Sequence[Field]
    # What a group of rows is: "order", "product".
    thing: str
    longest_group: int

    def read(self, cells: Mapping[str, str], now: datetime, faults: Mapping[str, Problem]) -> Record:
        """Return a row as a record; `faults` are cells, by field, that cannot be used.

        Raises RowRefused.
        """

    def take(self, ctx: Ctx, batch: Sequence[Group], spool: Spool) -> Outcome:
        """Bring a batch in, or find out what would come in when nothing may be written."""
