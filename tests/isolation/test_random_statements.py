"""Thousands of random statements inside one tenant: none shows or changes anything of another.

`ISOLATION_STATEMENTS` sets how many, `ISOLATION_SEED` repeats a run; both are printed with a finding.
"""

from __future__ import annotations

import os
import random

from tests.isolation.grammar import Grammar
from tests.isolation.walls import Walls

COUNT = int(os.environ.get("ISOLATION_STATEMENTS", "2000"))
SEED = int(os.environ.get("ISOLATION_SEED", str(random.SystemRandom().randrange(10**9))))
# What a statement may fail with: no right, a key that is taken or missing, a lock that makes no sense here, and what
# the generator itself got wrong. Anything else, such as an internal error, is a finding.
EXPECTED = frozenset(
    {"42501", "23505", "23503", "23502", "23514", "0A000", "21000", "428C9", "42883", "42804", "42846"}
    | {"42601", "42702", "42703", "42P01", "42P10"}
)
# PostgreSQL 18's planner gives up like this on some joins of sub-queries; nothing is shown.
SERVERS_OWN = "variable not found in subplan target list"
PAIRS = (("A", "B"), ("C", "B"))


def test_random_statements_reach_nobody_else(walls: Walls) -> None:
    print(f"ISOLATION_SEED={SEED} ISOLATION_STATEMENTS={COUNT}")
    answered = 0
    for who, other in PAIRS:
        rng = random.Random(f"{SEED}-{who}")
        tables = [*walls.tables[walls.homes[who]], *walls.tables["desk"]]
        grammar = Grammar(rng, tables, walls.people[who], [walls.people[other], walls.people["D"]])
        for number in range(COUNT // len(PAIRS)):
            answered += _try(walls, who, grammar.statement(), f"seed {SEED}, {who}, statement {number}")
    assert answered > COUNT / 3, "most statements were refused, so the run proves little"


def _try(walls: Walls, who: str, statement: str, where: str) -> bool:
    before = walls.untouched(who)
    walls.inside(who)
    state, shown, touched = walls.run(statement.encode())
    if state:
        walls.leave()
        assert state in EXPECTED or SERVERS_OWN in shown, (where, statement, state, shown)
    else:
        assert [m for m in walls.foreign_marks(who) if m in shown] == [], (where, statement)
        if touched and not statement.startswith(("SELECT", "WITH", "COPY", "DECLARE")):
            assert walls.digest(who) == before, (where, statement)
        walls.leave()
    return not state
