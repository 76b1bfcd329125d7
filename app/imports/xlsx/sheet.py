"""The rows of one sheet, as a stream: a cell is kept only as long as its row is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.imports.problems import Problem, note
from app.imports.reading import MAX_CELL, MAX_COLUMNS, Row, shape_problem
from app.imports.xlsx import errors
from app.imports.xlsx.markup import walk
from app.imports.xlsx.strings import Strings, unescape
from app.imports.xlsx.values import date, number

_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_DIGITS = "0123456789"
_BEYOND = note("cell_beyond", "What stands to the right of the last named column was left out.")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What cells refer to: the shared texts, and how numbers are to be read."""

    strings: Strings
    dates: set[str]
    from_1904: bool


@dataclass(slots=True)
class RawRow:
    """The cells of a row that hold something, by position; and what is wrong with some of them."""

    number: int
    cells: dict[int, str] = field(default_factory=dict)
    faults: dict[int, Problem] = field(default_factory=dict)
    # Whether something stands where no named column can be.
    is_wider: bool = False


def rows(chunks: Iterator[bytes], meaning: Meaning) -> Iterator[Row]:
    """Yield the rows that hold something, the header first; all are as wide as the header.

    Raises FileUnreadable.
    """
    width: int | None = None
    for raw in _raw_rows(chunks, meaning):
        if width is None:
            width = 1 + max([*raw.cells, *raw.faults])
            if raw.is_wider:
                told = f"The header has more than {MAX_COLUMNS} columns, which are the most."
                yield Row(raw.number, None, Problem("columns_many", told))
        yield _row(raw, width)


def _row(raw: RawRow, width: int) -> Row:
    cells = [raw.cells.get(position, "") for position in range(width)]
    problem = shape_problem(cells, width)
    if problem is not None:
        return Row(raw.number, None, problem)
    is_wider = raw.is_wider or any(position >= width for position in raw.cells)
    return Row(raw.number, cells, _BEYOND if is_wider else None, raw.faults or None)


def _raw_rows(chunks: Iterator[bytes], meaning: Meaning) -> Iterator[RawRow]:
    handler = _Cells(meaning)
    for _ in walk(chunks, handler):
        yield from handler.done
        handler.done.clear()


class _Cells:
    """The handler of a sheet's part."""

    def __init__(self, meaning: Meaning) -> None:
        self.done: list[RawRow] = []
        self._meaning = meaning
        self._columns: dict[str, int] = {}
        self._row = RawRow(0)
        self._position = -1
        self._kind = self._style = ""
        self._pieces: list[str] = []
        self._size = 0
        self._collects = self._is_formula = self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a row, a cell, or what is in it."""
        if name == "c":
            reference = attributes.get("r")
            self._position = self._column(reference) if reference else self._position + 1
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._is_formula = False
        elif name in ("v", "t"):
            self._collects = not self._is_phonetic
        elif name == "f":
            self._is_formula = True
        elif name == "rPh":
            self._is_phonetic = True
        elif name == "row":
            self._begin_row(attributes.get("r"))

    def end(self, name: str) -> None:
        """End what `start` began."""
        if name in ("v", "t"):
            self._collects = False
        elif name == "c":
            self._take()
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "row" and (self._row.faults or any(map(str.strip, self._row.cells.values()))):
            self.done.append(self._row)

    def text(self, text: str) -> None:
        """Take a piece of a value; what no cell may hold is let go."""
        if self._collects and self._size <= MAX_CELL:
            self._pieces.append(text)
            self._size += len(text)

    def _begin_row(self, given: str | None) -> None:
        number = _small(given) if given is not None else self._row.number + 1
        if not self._row.number < number <= _LAST_ROW:
            raise errors.damaged()
        self._row, self._position = RawRow(number), -1

    def _column(self, reference: str) -> int:
        letters = reference.rstrip(_DIGITS)
        position = self._columns.get(letters)
        if position is None:
            position = self._columns[letters] = _position(letters)
        return position

    def _take(self) -> None:
        value = "".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._position >= MAX_COLUMNS:
            self._row.is_wider = self._row.is_wider or bool(value)
            return
        if self._is_formula or self._kind == "e":
            self._row.faults[self._position] = self._fault(value)
        elif value and (said := self._said(value)):
            self._row.cells[self._position] = said

    def _said(self, value: str) -> str:
        if self._kind == "s":
            return self._meaning.strings.get(_small(value))
        if self._kind in ("str", "inlineStr"):
            return unescape(value)
        if self._kind == "b":
            return "true" if value.strip() == "1" else "false"
        if self._kind == "n" and self._style in self._meaning.dates:
            return date(value, from_1904=self._meaning.from_1904)
        return number(value) if self._kind == "n" else value

    def _fault(self, value: str) -> Problem:
        place = f"{column_name(self._position)}{self._row.number}"
        if self._is_formula:
            return Problem("formula_cell", f"Cell {place} holds a formula. Put its value in its place.")
        return Problem("error_cell", f"Cell {place} holds the error {value[:20]}. Put a value in its place.")


def column_name(position: int) -> str:
    """Return the letters of a column, from 0: "A", "Z", "AA"."""
    letters, left = "", position + 1
    while left:
        left, rest = divmod(left - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _position(letters: str) -> int:
    place = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise errors.damaged()
        place = place * 26 + ord(letter) - ord("A") + 1
        if place > _LAST_COLUMN:
            raise errors.damaged()
    if not place:
        raise errors.damaged()
    return place - 1


def _small(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise errors.damaged()
    return int(text)
