"""What a distributed engine (Citus schema-based sharding) does not take, or takes without an error and gets wrong.

Kept from the start, so that a pool or a schema can move onto one later without a change of queries.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp

_PARAMETER = re.compile(r"%\((?:[^()]|\([^()]*\))*\)s|%s")
# Functions whose result depends on nothing but their arguments.
_IMMUTABLE = (exp.Coalesce, exp.Greatest, exp.Least, exp.Cast, exp.Case, exp.If, exp.Nullif, exp.Collate)


def rules_broken(statement: str, tables: set[str]) -> list[str]:
    """Return in words which habits `statement` breaks, where it changes rows of `tables`."""
    text = _PARAMETER.sub("'p'", statement).replace("%%", "%")
    if re.match(r"\s*COPY\s+[^(\s]+\s.*\bTO\b", text, re.IGNORECASE | re.DOTALL):
        return ["COPY of a table gives no rows and no error; write COPY (SELECT …) TO"]
    if re.match(r"\s*(?:RELEASE |ROLLBACK TO )?SAVEPOINT\b", text, re.IGNORECASE):
        return []
    text = re.sub(r"^\s*COPY\s*\((.*)\)\s*TO\s+STDOUT.*$", r"\1", text, flags=re.DOTALL | re.IGNORECASE)
    tree = sqlglot.parse_one(text, read="postgres")
    merges = [merge for merge in tree.find_all(exp.Merge) if _names(merge.this, tables)]
    broken = ["MERGE; write INSERT … ON CONFLICT" for _ in merges]
    for insert in tree.find_all(exp.Insert):
        if _names(insert.this, tables):
            broken += _insert(insert)
    for update in tree.find_all(exp.Update):
        if _names(update.this, tables):
            broken += [f"{name} in UPDATE SET; send the value" for name in _functions(update.expressions)]
    return broken


def _insert(insert: exp.Insert) -> list[str]:
    broken = []
    if isinstance(insert.expression, exp.Select) and insert.expression.find(exp.From):
        broken.append("INSERT … SELECT; write VALUES of several rows")
    conflict = insert.args.get("conflict")
    if conflict is not None:
        broken += [f"{name} in DO UPDATE SET; send the value" for name in _functions(conflict.expressions)]
    return broken


def _functions(assignments: list[exp.Expression]) -> list[str]:
    return [
        function.sql_name()
        for assignment in assignments
        for function in assignment.find_all(exp.Func)
        if not isinstance(function, _IMMUTABLE) and not isinstance(function, exp.Connector)
    ]


def _names(expression: exp.Expression, tables: set[str]) -> bool:
    return any(table.name in tables for table in expression.find_all(exp.Table))
