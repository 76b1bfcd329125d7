"""Checks revisions before they meet rows: expand, backfill, contract, and never a long lock.

Code of this release and of the one before work on the schema at the same time, so an ordinary revision only adds. What
takes away belongs in a revision that says `phase = "contract"`, one release after nothing uses it any more. On tables
that the revision makes itself nearly everything is allowed, because they are empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tenants.history import History
from tenants.migration.declared import Batch, ConcurrentIndex

_TABLE = r'(?:ONLY\s+)?(?P<table>"?[\w.]+"?)'
_CREATED = re.compile(r'CREATE TABLE\s+(?:IF NOT EXISTS\s+)?(?P<table>"?[\w.]+"?)', re.IGNORECASE)
_TOUCHED = re.compile(
    rf"(?:(?:CREATE|ALTER|DROP) TABLE|CREATE (?:UNIQUE )?INDEX .*? ON|UPDATE|INSERT INTO)\s+{_TABLE}",
    re.IGNORECASE | re.DOTALL,
)
_LITERAL = r"(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|null)(?:::[\w ]+(?:\(\d+\))?)?"


@dataclass(frozen=True, slots=True)
class Fault:
    """One statement that a revision must not say, and what to do instead."""

    revision: str
    rule: str
    statement: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that must not occur; `on_new` says that a table made by the same revision is no excuse."""

    text: str
    pattern: str
    on_new: bool = False
    may_contract: bool = False

    def is_broken_by(self, statement: str, *, is_new: bool, contracts: bool) -> bool:
        """Say whether `statement` breaks the rule."""
        if (is_new and not self.on_new) or (contracts and self.may_contract):
            return False
        return re.search(self.pattern, statement, re.IGNORECASE | re.DOTALL) is not None


RULES = (
    Rule("nothing is renamed: the release before knows only the old name", r"^ALTER TABLE .*\bRENAME\b", on_new=True),
    Rule(
        "dropping waits for a revision of phase contract",
        r"^DROP (?:TABLE|INDEX|POLICY|VIEW|FUNCTION)|^ALTER TABLE .*\bDROP (?:COLUMN|CONSTRAINT|DEFAULT|NOT NULL)",
        may_contract=True,
    ),
    Rule(
        "a new column of a table with rows is nullable or has a default",
        r"\bADD COLUMN\b(?!.*\bDEFAULT\b).*\bNOT NULL\b",
    ),
    Rule(
        "a default of a new column is a literal: a function may write every row anew",
        rf"\bADD COLUMN\b.*\bDEFAULT\s+(?!{_LITERAL}(?:\s|,|$))",
    ),
    Rule("a generated or identity column writes every row anew", r"\bADD COLUMN\b.*\b(?:GENERATED|SERIAL|BIGSERIAL)\b"),
    Rule("a column's type is not changed: add a column, copy in batches, contract", r"\bALTER COLUMN\b.*\bTYPE\b"),
    Rule(
        "SET NOT NULL reads the whole table under a lock: validate CHECK (… IS NOT NULL) first, then set it in a "
        "revision of phase contract",
        r"\bALTER COLUMN\b.*\bSET NOT NULL\b",
        may_contract=True,
    ),
    Rule("an index on a table with rows is declared by concurrently()", r"^CREATE (?:UNIQUE )?INDEX\b"),
    Rule(
        "a foreign key or check on a table with rows is added NOT VALID and validated by a later revision",
        r"\bADD (?:CONSTRAINT \S+ )?(?:FOREIGN KEY|CHECK)\b(?!.*\bNOT VALID\b)",
    ),
    Rule(
        "a unique or primary key on a table with rows takes an index built by concurrently(): USING INDEX",
        r"\bADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*\bUSING INDEX\b)",
    ),
    Rule(
        "a new foreign key column with its reference inline locks both tables",
        r"\bADD COLUMN\b.*\bREFERENCES\b",
    ),
    Rule("rows are changed by batches()", r"^(?:UPDATE|DELETE|INSERT|MERGE|COPY|WITH)\b", on_new=True),
    Rule(
        "a whole table is never emptied, locked or written anew", r"^(?:TRUNCATE|LOCK|VACUUM|CLUSTER|REINDEX)\b", True
    ),
    Rule("grants are given table by table", r"\bON ALL (?:TABLES|SEQUENCES|FUNCTIONS)\b", on_new=True),
    Rule("DDL is never hidden in a block or a function", r"^(?:DO|CALL)\b|^CREATE .*\b(?:FUNCTION|PROCEDURE)\b", True),
    Rule("settings and transactions are the fan-out's", r"^(?:SET|RESET|BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b", True),
    Rule("nothing refers out of its schema", r"\bREFERENCES\s+\"?\w+\"?\.", on_new=True),
    Rule("CONCURRENTLY has no place in a transaction: declare it by concurrently()", r"\bCONCURRENTLY\b", on_new=True),
    Rule("walls are never lowered", r"\b(?:DISABLE|NO FORCE) ROW LEVEL SECURITY\b|^DROP POLICY", on_new=True),
    Rule(
        "no view, rule, trigger or definer's rights in a tenant's schema", r"^CREATE .*\b(?:VIEW|RULE|TRIGGER)\b", True
    ),
)
_ONE_COMMAND = "one sub-command an ALTER TABLE"
_VALIDATED = "a constraint is validated by a later revision: the lock of adding it lasts to the end of its transaction"
_WALLED = "a new table has both walls, and tenant_id in its key"
_COPIED = "a batch copies by the row's own columns: no function that changes with time or chance"
_KEYED = "an index begins with tenant_id"
_UNVALIDATED = re.compile(r"ADD CONSTRAINT (\S+).*NOT VALID", re.IGNORECASE | re.DOTALL)
_DROPPED = re.compile(r"ALTER TABLE \S+ DROP CONSTRAINT (\S+)$", re.IGNORECASE)
_VOLATILE = re.compile(
    r"\b(?:now|random|clock_timestamp|gen_random_uuid|nextval|statement_timestamp|uuidv7)\s*\(", re.IGNORECASE
)


def lint(history: History, *, walled: bool = True) -> list[Fault]:
    """Return what is wrong with the revisions of `history`; `walled=False` for the platform's own tables."""
    return [
        Fault(revision, rule, " ".join(statement.split()))
        for revision in history.revisions()
        for rule, statement in _faults(history, revision, walled=walled)
    ]


def _faults(history: History, revision: str, *, walled: bool) -> Iterator[tuple[str, str]]:
    statements = history.statements(revision)
    contracts = getattr(history.module(revision), "phase", "expand") == "contract"
    new = {_bare(match["table"]) for line in statements if (match := _CREATED.match(line))}
    again = {match[1] for line in statements if (match := _UNVALIDATED.search(line))}
    for statement in statements:
        if (match := _DROPPED.match(statement)) and match[1] in again:
            # A check that is loosened: never away, and what the release before writes passes it as well.
            continue
        is_new = bool((match := _TOUCHED.match(statement)) and _bare(match["table"]) in new)
        if not walled and is_new:
            # Platform tables are few and not in the fan-out; one that is new may be filled as well.
            continue
        for rule in RULES:
            if rule.is_broken_by(statement, is_new=is_new, contracts=contracts):
                yield rule.text, statement
        if _sub_commands(statement) > 1:
            yield _ONE_COMMAND, statement
    yield from _early_validations(statements)
    yield from _unwalled(statements, new) if walled else ()
    yield from _declared(history, revision)


def _bare(name: str) -> str:
    return name.replace('"', "")


def _sub_commands(statement: str) -> int:
    """Count the sub-commands of an ALTER TABLE: the commas outside of brackets and quotes."""
    if not re.match(r"ALTER TABLE\b", statement, re.IGNORECASE):
        return 1
    plain = re.sub(r"'(?:[^']|'')*'", "", statement)
    while (shorter := re.sub(r"\([^()]*\)", "", plain)) != plain:
        plain = shorter
    return plain.count(",") + 1


def _early_validations(statements: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    added = {match[1] for line in statements if (match := _UNVALIDATED.search(line))}
    for statement in statements:
        match = re.search(r"VALIDATE CONSTRAINT (\S+)", statement, re.IGNORECASE)
        if match and match[1] in added:
            yield _VALIDATED, statement


def _unwalled(statements: tuple[str, ...], new: set[str]) -> Iterator[tuple[str, str]]:
    for table in sorted(new):
        wanted = (
            rf"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            rf"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            rf"CREATE POLICY tenant_rows ON {table} USING",
            rf"CREATE POLICY tenant_wall ON {table} AS RESTRICTIVE USING",
            rf"GRANT .* ON {table} TO",
            rf'CREATE TABLE "?{table}"? .*PRIMARY KEY \(tenant_id',
        )
        for pattern in wanted:
            if not any(re.match(pattern, statement, re.DOTALL) for statement in statements):
                yield _WALLED, f"{table}: {pattern}"


def _declared(history: History, revision: str) -> Iterator[tuple[str, str]]:
    checks: dict[type, Callable[..., bool]] = {
        ConcurrentIndex: lambda index: index.columns[:1] != ("tenant_id",),
        Batch: lambda batch: _VOLATILE.search(f"{batch.assign} {batch.where}") is not None,
    }
    for work in history.work(revision):
        if checks[type(work)](work):
            yield (_KEYED if isinstance(work, ConcurrentIndex) else _COPIED), work.name
