"""Writes workbooks row by row: memory holds one row, whatever the number of rows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import xlsxwriter

# What one sheet holds, the header among them; the rest goes on in the next sheet.
MAX_ROWS = 1_048_576
_BOLD = {"bold": True}


class SheetWriter:
    """Writes one table into the workbook at `path`; a context manager.

    Texts are written as texts and numbers as numbers: nothing a cell says becomes a formula, a link or a date.
    """

    def __init__(self, path: Path, name: str, *, most: int = MAX_ROWS) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="terrace-sheet-")
        options = {"constant_memory": True, "tmpdir": self._folder.name, "in_memory": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._bold = self._book.add_format(_BOLD)
        self._formats: dict[int, Any] = {}
        self._name, self._most = name, most
        self._header: Sequence[str] = ()
        self._sheets = self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._book.close()
        finally:
            self._folder.cleanup()

    def header(self, names: Sequence[str]) -> None:
        """Begin the table with the names of its columns, which stay in sight and begin each further sheet."""
        self._header = names
        self._begin()

    def add(self, cells: Sequence[str | Decimal | None]) -> None:
        """Write one row."""
        if self._at == self._most:
            self._begin()
        for column, cell in enumerate(cells):
            if isinstance(cell, Decimal):
                # At most 15 digits, which a double holds exactly enough to be read back as they were.
                self._sheet.write_number(self._at, column, float(cell), self._format(cell))
            elif cell:
                self._sheet.write_string(self._at, column, cell)
        self._at += 1

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(self._name if self._sheets == 1 else f"{self._name} {self._sheets}")
        self._sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._header):
            self._sheet.write_string(0, column, name, self._bold)
        self._at = 1

    def _format(self, number: Decimal) -> Any:
        digits = max(0, -int(number.as_tuple().exponent))
        if digits not in self._formats:
            self._formats[digits] = self._book.add_format({"num_format": f"0.{'0' * digits}" if digits else "0"})
        return self._formats[digits]
