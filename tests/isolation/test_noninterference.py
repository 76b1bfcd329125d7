"""What one tenant does, another cannot notice: random programs, run with and without the one's steps (9.3).

`PROGRAMS` and `PROGRAM_STEPS` set how many and how long; `PROGRAM_SEED` repeats a run, and `PROGRAM_ONLY` one program
of it. All are printed with a finding.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest

from app.files.gateway import file_store
from app.files.keys import new_key
from app.kit.keys import tenant_key
from app.notifications import gateway
from tests.isolation.interference import Pair
from tests.isolation.programs import HOSTILE, OBSERVED, OTHER, Side, Step, make_program
from tests.isolation.street import Street
from tests.isolation.troubles import TROUBLES

PROGRAMS = int(os.environ.get("PROGRAMS", "200"))
STEPS = int(os.environ.get("PROGRAM_STEPS", "30"))
SEED = os.environ.get("PROGRAM_SEED", str(random.SystemRandom().randrange(10**9)))
ONLY = os.environ.get("PROGRAM_ONLY", "")
# Whose steps come and go, and who must not notice: in one pool, and across the two kinds both ways.
PAIRS = (("A", "B"), ("A", "C"), ("C", "B"))
# From so many steps on, somebody has tried a door that is not theirs.
ENOUGH = 600


@pytest.fixture(params=range(len(PAIRS)), ids=lambda n: f"{PAIRS[n][0]} beside {PAIRS[n][1]}")
def turn(request: pytest.FixtureRequest, street: Street) -> Iterator[tuple[int, Pair]]:
    """Return a pair with its number, in a world where nobody waits for anything."""
    street.world.drain()
    pair = Pair(street, PAIRS[request.param])
    yield request.param, pair
    pair.close()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_tenant_observes_the_same_with_and_without_the_other(turn: tuple[int, Pair], record_property: Any) -> None:
    first, pair = turn
    numbers = [int(ONLY)] if ONLY else range(PROGRAMS)
    for number in numbers:
        if number % len(PAIRS) != first:
            continue
        program = make_program(f"{SEED}-{number}", STEPS)
        if found := pair.difference(program):
            _report(pair, number, found, pair.shrunk(program))
    said = f"PROGRAM_SEED={SEED} PROGRAMS={PROGRAMS} PROGRAM_STEPS={STEPS}: {pair.labels}, {pair.steps} steps"
    said += f", {pair.troubles} troubles"
    record_property("programs", f"{said}, {pair.refused} hostile ones refused")
    print(said)
    assert pair.refused > 0 or ONLY or PROGRAMS * STEPS < ENOUGH


def _report(pair: Pair, number: int, found: str, program: Any) -> None:
    steps = "\n".join(f"  {step.whose:9} {step.kind} ({step.seed})" for step in program)
    how = f"PROGRAM_SEED={SEED} PROGRAM_STEPS={STEPS} PROGRAM_ONLY={number} pytest {__name__.replace('.', '/')}.py"
    pytest.fail(f"{pair.labels}: {found}\nagain by\n  {how}\nshrunk to\n{steps}\n{pair.difference(program)}")


def _steal_stock(side: Side, theirs: Side, above: psycopg.Connection[Any]) -> None:
    above.execute(
        f'UPDATE "{theirs.home.tenant.schema}".product SET inventory = inventory - 1 WHERE tenant_id = %s'.encode(),
        (theirs.home.tenant.id,),
    )


def _leave_a_row(side: Side, theirs: Side, above: psycopg.Connection[Any]) -> None:
    above.execute("INSERT INTO desk.usage (tenant_id, metric, used) VALUES (%s, 'leaks', 1) ON CONFLICT DO NOTHING",
                  (theirs.home.tenant.id,))  # fmt: skip


def _write_to_the_owner(side: Side, theirs: Side, above: psycopg.Connection[Any]) -> None:
    letter = EmailMessage()
    letter["To"], letter["From"] = theirs.home.people["owner"].email, "x@mail.example"
    letter["Subject"] = f"Something happened at {theirs.home.tenant.company_name}"
    gateway.send(theirs.home.world.runtime.settings, letter)


def _leave_an_object(side: Side, theirs: Side, above: psycopg.Connection[Any]) -> None:
    store = file_store(theirs.home.world.runtime.settings)
    store.put(new_key(theirs.home.tenant.id, "export"), [b"sku\n"], media_type="text/csv")


def _leave_a_key(side: Side, theirs: Side, above: psycopg.Connection[Any]) -> None:
    theirs.home.world.runtime.redis.set(tenant_key(theirs.home.tenant.id, "leak"), "1")


LEAKS = [_steal_stock, _leave_a_row, _write_to_the_owner, _leave_an_object, _leave_a_key]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_step_that_leaks_is_found_and_shrunk_to_itself(street: Street, leak: Any) -> None:
    street.world.drain()
    pair = Pair(street, ("A", "B"), {"leak": leak})
    program = [*make_program("a program with a leak", 12), Step(OTHER, "leak", ""), Step(OBSERVED, "usage", "u"),
               Step(OBSERVED, "list products", "l")]  # fmt: skip
    try:
        assert pair.difference(program) != ""
        small = pair.shrunk(program)
        assert [step.kind for step in small if step.whose == OTHER] == ["leak"]
        assert pair.difference([step for step in program if step.kind != "leak"]) == ""
    finally:
        pair.close()


def test_programs_are_made_from_their_seed_alone() -> None:
    assert make_program("one", 50) == make_program("one", 50)
    assert make_program("one", 50) != make_program("two", 50)
    kinds = {step.kind for number in range(40) for step in make_program(str(number), 50)}
    assert {*HOSTILE, *TROUBLES} <= kinds
