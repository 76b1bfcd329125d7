"""An Excel workbook as imports see it: its visible sheets, and the rows of one of them.

Its own reader rather than a library: an upload is hostile until shown otherwise. Libraries load the shared texts, or
the whole sheet as a rectangle, before anyone can object; they give binary fractions for prices; and one that is quick
does not say which cells are formulas.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from app.imports.reading import Row
from app.imports.xlsx import errors
from app.imports.xlsx.markup import Handler, read
from app.imports.xlsx.package import MAX_SHEET, MAX_SMALL, MAX_STRINGS, Package, resolve
from app.imports.xlsx.parts import Contents, Relations, Sheet, Styles
from app.imports.xlsx.sheet import Meaning, rows
from app.imports.xlsx.strings import Strings

MAGIC = b"PK\x03\x04"
_LONGEST_NAME = 100


class Workbook:
    """One workbook on disk; a context manager. Raises FileUnreadable for all that is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._package = Package(path)
        self._strings: Strings | None = None
        try:
            self._open()
        except BaseException:
            self._package.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._package.close()
        if self._strings is not None:
            self._strings.close()

    def rows(self, name: str = "", *, stop: int | None = None) -> Iterator[Row]:
        """Yield the rows of the sheet called `name` ("" is the first), the header first, with their numbers there.

        `stop` ends after so many bytes. Raises FileUnreadable when there is no such sheet.
        """
        sheet = next((sheet for sheet in self.sheets if name in ("", sheet.name)), None)
        if sheet is None:
            raise errors.no_sheet(name)
        if self._strings is None:
            self._strings = Strings(self._shared())
        meaning = Meaning(self._strings, self._dates, self._from_1904)
        return rows(self._package.chunks(sheet.part, what="The sheet", most=MAX_SHEET, stop=stop), meaning)

    def _open(self) -> None:
        base = Relations()
        self._read("_rels/.rels", base)
        book = resolve("", base.target("officeDocument") or "xl/workbook.xml")
        contents, relations, styles = Contents(), Relations(), Styles()
        self._read(book, contents)
        folder, _, name = book.rpartition("/")
        self._read(f"{folder}/_rels/{name}.rels", relations)
        if (part := relations.target("styles")) and self._package.has(resolve(book, part)):
            self._read(resolve(book, part), styles)
        self._texts = resolve(book, relations.target("sharedStrings") or "sharedStrings.xml")
        self._dates, self._from_1904 = styles.dates, contents.from_1904
        self.sheets = [
            Sheet(name[:_LONGEST_NAME], resolve(book, target))
            for name, reference in contents.sheets
            for kind, target in [relations.found.get(reference, ("", ""))]
            if kind == "worksheet"
        ]

    def _shared(self) -> Iterator[bytes]:
        if not self._package.has(self._texts):
            return iter(())
        return self._package.chunks(self._texts, what="The text", most=MAX_STRINGS)

    def _read(self, part: str, handler: Handler) -> None:
        read(self._package.chunks(part, what=f"The part {part[:60]}", most=MAX_SMALL), handler)


def is_workbook(path: Path) -> bool:
    """Say whether the file begins as a workbook does."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
