"""One line of the table: what was measured, against which floor, and whether it keeps its bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = ("measured thing", "floor", "measured", "ratio", "bound", "ok")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number. With a floor its ratio is what counts, else the number; `bound` None is for reading only."""

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


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table for a terminal."""
    rows = [_HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = (cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells, widths, strict=True)))
    return "  ".join([first, *rest])


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return figure.name, _amount(figure.floor, figure.unit), _amount(figure.measured, figure.unit), ratio, _bound(figure), _ok(figure)


def _bound(figure: Figure) -> str:
    if figure.bound is None:
        return ""
    value = f"{figure.bound:g}" if figure.ratio is not None else _amount(figure.bound, figure.unit)
    return f"{'≥' if figure.more else '≤'} {value}"


def _ok(figure: Figure) -> str:
    if figure.bound is None:
        return ""
    return "yes" if figure.ok else "NO"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number} {unit}"
