"""The cells of one row under their fields' names, read one by one; what is wrong is gathered, not raised at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from app.files.cells import looks_like_formula, restore
from app.imports.problems import Problem, note
from app.imports.values import BadCell

T = TypeVar("T")


class RowRefused(Exception):
    """The row cannot go in; `group` is what it belongs to, as far as that can be read."""

    def __init__(self, problems: list[Problem], group: str = "") -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems
        self.group = group


class Cells:
    """One row."""

    def __init__(self, cells: Mapping[str, str], faults: Mapping[str, Problem]) -> None:
        self._cells = cells
        # Cells that hold nothing that can be read, such as formulas, by their field.
        self._faults = faults
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def has(self, field: str) -> bool:
        """Say whether the row says anything under `field`."""
        cell = self._cells.get(field, "")
        return (cell != "" and not cell.isspace()) or field in self._faults

    def need(self, field: str, label: str, parse: Callable[[str], T], default: T) -> T:
        """Return the value of a cell that must be there; `default` stands in when it is not, or is wrong."""
        if not self.has(field):
            self.problems.append(Problem("missing", f"{label} is missing.", field))
            return default
        return self.take(field, parse, default)

    def take(self, field: str, parse: Callable[[str], T], default: T) -> T:
        """Return the value of a cell, or `default` when it is empty or wrong."""
        if field in self._faults:
            self.problems.append(self._faults[field])
            return default
        cell = self._cells.get(field, "")
        if cell == "" or cell.isspace():
            return default
        try:
            return parse(restore(cell))
        except BadCell as error:
            said = cell.strip()
            quoted = f"{said[:40]}…" if len(said) > 40 else said
            self.problems.append(Problem("bad_value", f"“{quoted}”: {error}", field))
            return default

    def words(self, field: str, parse: Callable[[str], str], default: str = "") -> str:
        """Return the text of a cell; one that looks like a formula is kept as the text it is, and noted."""
        if looks_like_formula(self._cells.get(field, "")):
            self.notes.append(note("formula", "The cell starts like a formula; it was kept as text.", field))
        return self.take(field, parse, default)

    def refuse_if_wrong(self, group: str = "") -> None:
        """Raise RowRefused when something was wrong."""
        if self.problems:
            raise RowRefused(self.problems, group)
