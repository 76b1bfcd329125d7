"""Hears every statement that reaches the database inside a tenant, and finds tables that are read without the tenant.

Row security would hide the rows all the same; the predicate is for the planner here, and for routing on a distributed
engine. So both must be there, and neither may carry the other.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlglot
from sqlalchemy import Engine, event
from sqlglot import exp

from tenants.databases import OPTION

# Functions that look without a predicate on purpose, with the reason.
EXEMPT = {"_sees_rows": "asks whether the wall alone hides a new tenant's rows from another"}
_PARAMETER = re.compile(r"%\((?:[^()]|\([^()]*\))*\)s|%s")
_SAVEPOINT = re.compile(r"(?:RELEASE |ROLLBACK TO )?SAVEPOINT \w+$")
_SCOPES = (exp.Select, exp.Update, exp.Delete, exp.Insert, exp.Merge)


@contextmanager
def listening() -> Iterator[set[str]]:
    """Collect the statements of all tenant sessions of this process meanwhile."""
    heard: set[str] = set()

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        binding = connection.get_execution_options().get(OPTION)
        if binding is not None and binding.tenant_id is not None and not _exempt():
            heard.add(statement)

    copy = psycopg.Cursor.copy

    def copy_and_note(self: Any, statement: Any, *rest: Any, **options: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(self)
        heard.add(re.sub(r"^\s*COPY\s*\((.*)\)\s*TO\s+STDOUT.*$", r"\1", text, flags=re.DOTALL | re.IGNORECASE))
        return copy(self, statement, *rest, **options)

    event.listen(Engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "copy", copy_and_note)
        try:
            yield heard
        finally:
            event.remove(Engine, "before_cursor_execute", note)


def _exempt() -> bool:
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name in EXEMPT and frame.f_code.co_filename.endswith("tenants/provisioning.py"):
            return True
        frame = frame.f_back
    return False


def without_tenant(statement: str, tables: set[str]) -> list[str]:
    """Return the tables of `tables` that `statement` touches without saying whose rows it means."""
    if _SAVEPOINT.match(statement):
        return []
    tree = sqlglot.parse_one(_PARAMETER.sub("'p'", statement).replace("%%", "%"), read="postgres")
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    missing = []
    for table in tree.find_all(exp.Table):
        if table.name not in tables or (table.name in named and not table.db):
            continue
        scope = table.find_ancestor(*_SCOPES)
        if scope is None or not _says_whose(scope, table):
            missing.append(table.name)
    return missing


def _says_whose(scope: exp.Expression, table: exp.Table) -> bool:
    if isinstance(scope, exp.Insert) and _is_target(scope, table):
        target = scope.this
        return isinstance(target, exp.Schema) and any(c.name == "tenant_id" for c in target.expressions)
    sources = {t.alias_or_name for t in scope.find_all(exp.Table) if t.find_ancestor(*_SCOPES) is scope}
    return table.alias_or_name in _pinned(scope, sources)


def _pinned(scope: exp.Expression, sources: set[str]) -> set[str]:
    """Return the tables of a scope whose tenant is a given value, or that of another such table."""
    pinned: set[str] = set()
    links: list[tuple[str, str]] = []
    for condition in _conditions(scope):
        for one, other in _equalities(condition):
            left, right = (_table_of(side, sources) for side in (one, other))
            if left and right:
                links += [(left, right), (right, left)]
            elif left or right:
                pinned.add(left or right)
    for _ in sources:
        pinned |= {one for one, other in links if other in pinned}
    return pinned


def _is_target(insert: exp.Expression, table: exp.Table) -> bool:
    target = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
    return target is table


def _conditions(scope: exp.Expression) -> Iterator[exp.Expression]:
    """Yield what must all be true of a row of this scope: the parts of WHERE and of each ON."""
    found = [scope.args["where"].this] if scope.args.get("where") else []
    found += [join.args["on"] for join in scope.find_all(exp.Join)
              if join.args.get("on") and join.find_ancestor(*_SCOPES) is scope]  # fmt: skip
    for condition in found:
        yield from _parts(condition)


def _parts(condition: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.Paren):
        yield from _parts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _parts(condition.this)
        yield from _parts(condition.expression)
    else:
        yield condition


def _equalities(condition: exp.Expression) -> Iterator[tuple[exp.Expression, exp.Expression | None]]:
    """Yield what `condition` says is equal; of a list of values only the side that is looked for."""
    if isinstance(condition, exp.EQ):
        yield condition.this, condition.expression
    elif isinstance(condition, exp.In):
        for side in condition.this.expressions if isinstance(condition.this, exp.Tuple) else [condition.this]:
            yield side, None


def _table_of(side: exp.Expression | None, sources: set[str]) -> str:
    """Return which of `sources` this is the tenant of, or "" for anything else, such as a value or an outer table."""
    if not isinstance(side, exp.Column) or side.name != "tenant_id":
        return ""
    if not side.table:
        return next(iter(sources)) if len(sources) == 1 else ""
    return side.table if side.table in sources else ""
