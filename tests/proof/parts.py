"""What the proof consists of: each part with what it claims, the tests that show it, and how long they are run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_ISOLATION = "tests/isolation"
_LONG = ("test_random_statements.py", "test_noninterference.py")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: a claim in a sentence, the tests, and the variables that set their length, in full and in short."""

    name: str
    claim: str
    tests: tuple[str, ...]
    full: Mapping[str, str] = field(default_factory=dict)
    quick: Mapping[str, str] = field(default_factory=dict)


PARTS = (
    Part(
        "matrix",
        "Every route, job, statement and stored thing, tried by every kind of person with the things of every other"
        " tenant: what is not one's own answers like what does not exist, nothing of others is shown or changed, and"
        " each of the two walls holds without the other.",
        (_ISOLATION, *(f"--ignore={_ISOLATION}/{name}" for name in _LONG)),
    ),
    Part(
        "statements",
        "Random statements in SQL, inside one tenant's transaction, show and change nothing of another.",
        (f"{_ISOLATION}/test_random_statements.py",),
        {"ISOLATION_STATEMENTS": "20000"},
        {"ISOLATION_STATEMENTS": "500"},
    ),
    Part(
        "programs",
        "Random programs of two tenants and the workers: with one tenant's steps and without them, the other observes"
        " the same answers and has the same rows.",
        (f"{_ISOLATION}/test_noninterference.py",),
        {"PROGRAMS": "2000", "PROGRAM_STEPS": "50"},
        {"PROGRAMS": "6", "PROGRAM_STEPS": "20"},
    ),
    Part(
        "soak",
        "Sixteen threads on three connections for fifty tenants, with errors, time-outs, cancels and killed backends,"
        " directly and behind a pooler in transaction mode: every read shows the tenant's own row.",
        ("tests/soak",),
        {"SOAK_CHECKS": "2000000"},
        {"SOAK_CHECKS": "5000"},
    ),
    Part(
        "engine",
        "The catalog is as the engine promises (roles, policies, keys, grants), bindings leave nothing behind, and the"
        " code says nothing that would go past them.",
        ("tests/tenants/test_walls.py", "tests/tenants/test_binding.py", "tests/tenants/test_guards.py",
         "tests/tenants/test_history.py"),
    ),
    Part(
        "journeys",
        "The main work of a company, done in a browser as a new customer would.",
        ("tests/journeys",),
    ),
)  # fmt: skip
DEFECTS = "defects"
DEFECTS_CLAIM = (
    "Known ways of breaking isolation, put into a copy of the code one by one: the suites notice each of them, and each"
    " breach of isolation is noticed by two suites of different kinds. A proof that cannot fail proves nothing."
)
