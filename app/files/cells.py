"""Cells that a spreadsheet would run as a formula, made harmless in a way that an import takes back exactly.

The rule: a cell that starts with `=`, `+`, `-`, `@`, their full-width forms, a tab or a line end gets an apostrophe in
front, and so does one that has such a start behind apostrophes of its own. Reading takes one apostrophe away from a
cell that has such a start behind apostrophes. Every other cell stays as it is, so `restore(neutralise(x)) == x`.
"""

from __future__ import annotations

import re

STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_DANGEROUS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
# The same in PostgreSQL, for exports that never pass through Python. Most cells start with a letter or a digit, or are
# empty: comparisons of bytes tell so much faster than the expression behind them.
_SQL = """CASE WHEN {0} COLLATE "C" >= 'A' AND {0} COLLATE "C" < E'\\uF000' THEN {0}
 WHEN {0} = '' OR {0} COLLATE "C" >= '0' AND {0} COLLATE "C" < ':' THEN {0}
 WHEN {0} ~ E'^''*[=+\\\\-@\\t\\r\\n＝＋－＠]' THEN '''' || {0} ELSE {0} END"""


def neutralise(cell: str) -> str:
    """Return `cell` so that no spreadsheet takes it for a formula."""
    return "'" + cell if _DANGEROUS.match(cell) else cell


def restore(cell: str) -> str:
    """Return what `neutralise` was given."""
    return cell[1:] if cell[:1] == "'" and _DANGEROUS.match(cell, 1) else cell


def looks_like_formula(cell: str) -> bool:
    """Say whether a spreadsheet might run `cell`."""
    return cell[:1] in STARTS


def neutralised_sql(expression: str) -> str:
    """Return the SQL expression that neutralises the text `expression`, a plain column name of ours."""
    return _SQL.format(expression)
