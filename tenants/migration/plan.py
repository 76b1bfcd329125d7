"""What a run would do: which schemas, in which order and waves, by which statements. Reads only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tenants.history import CONTROL_HISTORY, History
from tenants.migration.declared import ConcurrentIndex, Work
from tenants.migration.options import Options
from tenants.schemas import migrator

_BUSY = """EXISTS (
        SELECT 1 FROM control.schema_work w
        WHERE w.database = v.database AND w.schema_name = v.schema_name AND w.state = 'waiting')"""
# One query says it all: at a start with nothing to do it is the only one.
_STANDING = f"""
    SELECT 'control', version_num, false FROM control.alembic_version
    UNION ALL SELECT schema_name, revision, {_BUSY} FROM control.schema_version v WHERE database = %s
"""  # noqa: S608
_SPARES = "SELECT database, schema_name FROM control.spare WHERE state = 'ready'"


@dataclass(frozen=True, slots=True)
class Target:
    """A schema that has to move, or has work left from its revision."""

    database: str
    schema: str
    revision: str
    is_spare: bool = False

    @property
    def label(self) -> str:
        """The schema's name, with its database's before it outside `main`."""
        return self.schema if self.database == "main" else f"{self.database}/{self.schema}"

    @property
    def is_pool(self) -> bool:
        """Whether it holds many tenants."""
        return self.schema.startswith("pool_")


@dataclass(frozen=True, slots=True)
class Step:
    """One revision as it is run in every schema: DDL in one transaction, then the declared work."""

    before: str
    revision: str
    statements: tuple[str, ...]
    work: tuple[Work, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one database stands."""

    control: str | None = None
    schemas: Mapping[str, str] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    head: str
    control: Mapping[str, str | None]
    new_pools: tuple[tuple[str, str], ...]
    waves: tuple[tuple[Target, ...], ...]
    # Whether the first wave is there to fail for all others.
    has_canaries: bool
    steps: Mapping[str, Step]
    unchanged: int
    ahead: tuple[str, ...]

    @property
    def targets(self) -> Iterator[Target]:
        """All schemas to move, in order."""
        return (target for wave in self.waves for target in wave)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.waves or self.control or self.new_pools)


def standing(connection: psycopg.Connection[Any], database: str) -> Standing:
    """Return where `database` stands, by one query; a database without a control schema stands nowhere."""
    # The second question is for a database of a release that had no work to leave for later.
    for query in (_STANDING, _STANDING.replace(_BUSY, "false")):
        try:
            rows = connection.execute(query.encode(), (database,)).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            continue
        found = {name: revision for name, revision, _ in rows}
        busy = frozenset(name for name, _, is_busy in rows if is_busy)
        return Standing(found.pop("control", None), found, busy)
    return Standing()


def survey(urls: Mapping[str, str]) -> dict[str, Standing]:
    """Return where each database stands."""
    found = {}
    for name, url in urls.items():
        with migrator(url) as connection:
            found[name] = standing(connection, name)
    return found


def ready_spares(connection: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """Return the database and schema of every spare that nobody has claimed."""
    try:
        return {(database, name) for database, name in connection.execute(_SPARES)}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()


def make_plan(
    found: Mapping[str, Standing],
    *,
    history: History,
    pools: int,
    options: Options,
    spares: Iterable[tuple[str, str]] = (),
) -> Plan:
    """Return the plan that leads from `found` to the head of `history`."""
    known = history.revisions()
    everywhere = [(db, name, revision) for db, one in found.items() for name, revision in one.schemas.items()]
    ready = set(spares)
    late = [
        Target(db, name, revision, (db, name) in ready)
        for db, name, revision in everywhere
        if revision in known and (revision != history.head or name in found[db].busy)
    ]
    ahead = tuple(Target(db, name, revision).label for db, name, revision in everywhere if revision not in known)
    return Plan(
        head=history.head,
        control={db: one.control for db, one in found.items() if _is_behind(one.control)},
        new_pools=tuple(
            (db, f"pool_{number:02d}")
            for db, one in found.items()
            for number in range(1, pools + 1)
            if f"pool_{number:02d}" not in one.schemas
        ),
        has_canaries=0 < options.canary < len(late),
        waves=_waves(sorted(late, key=lambda target: _rank(target, options)), options),
        steps=_steps(history, known),
        unchanged=len(everywhere) - len(late) - len(ahead),
        ahead=ahead,
    )


def _is_behind(control: str | None) -> bool:
    # An unknown revision is that of a newer release, whose tables this one can work with.
    return control is None or (control != CONTROL_HISTORY.head and control in CONTROL_HISTORY.revisions())


def _rank(target: Target, options: Options) -> tuple[int, str, str]:
    """Spares belong to nobody, so nobody notices when the first of them fails."""
    kind = 0 if target.is_spare else 1
    if target.is_pool:
        kind = -1 if options.pools_first else 2
    return kind, target.database, target.schema


def _waves(targets: list[Target], options: Options) -> tuple[tuple[Target, ...], ...]:
    cuts = [0, *range(min(options.canary, len(targets)), len(targets), options.wave), len(targets)]
    return tuple(tuple(targets[a:b]) for a, b in itertools.pairwise(cuts) if targets[a:b])


def _steps(history: History, known: tuple[str, ...]) -> dict[str, Step]:
    return {
        before: Step(before, revision, history.statements(revision), history.work(revision))
        for before, revision in itertools.pairwise(known)
    }


def describe(plan: Plan) -> Iterator[str]:
    """Yield the plan in lines for people."""
    for name, control in plan.control.items():
        yield f"Database {name}: control and desk from {control or 'nothing'} to {CONTROL_HISTORY.head}."
    for database, pool in plan.new_pools:
        yield f"Database {database}: make {pool}."
    for number, wave in enumerate(plan.waves):
        title = "Canaries" if number == 0 and plan.has_canaries else f"Wave {number + 1 - plan.has_canaries}"
        names = ", ".join(target.label for target in wave[:3]) + (" …" if len(wave) > 3 else "")
        yield f"{title}: {len(wave)} schemas ({names})."
    yield from _describe_steps(plan)
    if plan.ahead:
        yield f"{len(plan.ahead)} schemas stand at revisions of a newer release and stay as they are."
    yield f"{plan.unchanged} schemas stand at {plan.head} already."


def _describe_steps(plan: Plan) -> Iterator[str]:
    revision = min((target.revision for target in plan.targets), default=plan.head)
    while (step := plan.steps.get(revision)) is not None:
        yield f"Revision {step.revision}, in one transaction a schema:"
        yield from (f"    {' '.join(statement.split())};" for statement in step.statements)
        for work in step.work:
            if isinstance(work, ConcurrentIndex):
                yield f"    afterwards, outside a transaction: {work.statement('…')};"
            else:
                yield f"    afterwards, {work.size} rows of {work.table} at a time: {work.assign} where {work.where};"
        revision = step.revision
