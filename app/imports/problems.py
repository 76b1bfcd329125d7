"""What is wrong with a row, or worth knowing of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A stable code, a sentence that says what to do, the column it is in, and whether the row is lost by it."""

    code: str
    text: str
    column: str = ""
    lost: bool = True


def note(code: str, text: str, column: str = "") -> Problem:
    """Return a problem that loses nothing: the row goes in, and the report says what was done with it."""
    return Problem(code, text, column, lost=False)
