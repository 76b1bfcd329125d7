"""One line of the table: what was measured, against which floor, and whether it keeps its bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = ("", "floor", "measured", "ratio", "bound", "ok")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number. With a ratio it is that which is bound, else the number; without a bound it is for reading."""

    name: str
    measured: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    bound: float | None = None
    # True where more is better, such as rows a second.
    more: bool = False

    @property
    def ok(self) -> bool:
        """Say whether the bound is kept; without one it is."""
        if self.bound is None:
            return True
        value = self.measured if self.ratio is None else self.ratio
        return value >= self.bound if self.more else value <= self.bound

    def cells(self) -> tuple[str, ...]:
        """Return this line of the table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        said = "" if self.bound is None else "yes" if self.ok else "NO"
        return self.name, _amount(self.floor, self.unit), _amount(self.measured, self.unit), ratio, self._limit(), said

    def _limit(self) -> str:
        if self.bound is None:
            return ""
        value = _amount(self.bound, self.unit) if self.ratio is None else f"{self.bound:g}"
        return f"{'≥' if self.more else '≤'} {value}"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table for a terminal."""
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *padded[1:]]).rstrip()


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}"
