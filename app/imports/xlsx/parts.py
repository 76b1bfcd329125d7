"""The small parts of a workbook: which sheets there are, where they lie, and which formats show dates."""

from __future__ import annotations

from dataclasses import dataclass

from app.imports.xlsx.markup import attribute
from app.imports.xlsx.values import is_date_format

_TRUE = ("1", "true", "on")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that people see: its name and the part it lies in."""

    name: str
    part: str


class Silent:
    """A handler that needs no texts and no ends."""

    def end(self, name: str) -> None:
        """Pass over the end of an element."""

    def text(self, text: str) -> None:
        """Pass over text."""


class Relations(Silent):
    """Where a part's references lead: `{id: (kind, target)}`."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Note one reference."""
        if name == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))

    def target(self, kind: str) -> str:
        """Return where the first reference of this kind leads, or ""."""
        return next((target for found, target in self.found.values() if found == kind), "")


class Contents(Silent):
    """The sheets of a workbook that are not hidden, as (name, id of the reference), and where its days begin."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.from_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Note a sheet, or the kind of dates."""
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            self.sheets.append((attributes.get("name", ""), attribute(attributes, "id")))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "") in _TRUE


class Styles:
    """Which styles of cells, by their index, show dates."""

    def __init__(self) -> None:
        self.dates: set[str] = set()
        self._codes: dict[int, str] = {}
        self._count = 0
        self._is_inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Note a format, or a style that uses one."""
        if name == "numFmt":
            self._codes[_whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._is_inside = True
        elif name == "xf" and self._is_inside:
            if is_date_format(_whole(attributes.get("numFmtId", "0")), self._codes):
                self.dates.add(str(self._count))
            self._count += 1

    def end(self, name: str) -> None:
        """Leave the list of styles."""
        if name == "cellXfs":
            self._is_inside = False

    def text(self, text: str) -> None:
        """Pass over text."""


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
