"""The rows of a file on their way in: grouped by what they belong to, on disk, so that memory stays small.

Everything here follows from the file and its mapping alone. A second attempt builds the same spool, in the same order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import orjson

from app.imports.problems import Problem

_AT_ONCE = 500
_TABLES = """
    CREATE TABLE line (row INTEGER PRIMARY KEY, part TEXT, code TEXT, name TEXT, price INTEGER, data BLOB) STRICT;
    CREATE TABLE part (key TEXT PRIMARY KEY, first INTEGER, size INTEGER, broken INTEGER) STRICT;
    CREATE TABLE loss (part TEXT, row INTEGER) STRICT;
    CREATE TABLE issue (row INTEGER, code TEXT, field TEXT, message TEXT, lost INTEGER) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A row that reads well: what it belongs to, what it says, and what is to be noted about it.

    `code`, `name` and `price` are counted, to find the usual name and price of a code.
    """

    group: str
    values: dict[str, Any]
    code: str = ""
    name: str = ""
    price: int | None = None
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that go in together or not at all."""

    key: str
    rows: list[tuple[int, dict[str, Any]]]

    def numbers(self) -> list[int]:
        """Return the numbers of the rows."""
        return [number for number, _ in self.rows]


class Spool:
    """A private database file that is gone when it is closed."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES} BEGIN;")
        self._waiting: list[tuple[Any, ...]] = []
        self.rows_read = 0
        self.blank_rows = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, number: int, record: Record) -> None:
        """Keep a row that reads well."""
        self.rows_read += 1
        self._waiting.append(
            (number, record.group, record.code, record.name, record.price, orjson.dumps(record.values))
        )
        if len(self._waiting) == _AT_ONCE:
            self._write()
        if record.notes:
            self.say(number, record.notes)

    def lose(self, number: int, problems: Iterable[Problem], group: str = "") -> None:
        """Keep what is wrong with a row; the group it belongs to, when it is known, goes down with it."""
        self.rows_read += 1
        self.say(number, problems)
        if group:
            self._db.execute("INSERT INTO loss VALUES (?, ?)", (group, number))

    def say(self, number: int, problems: Iterable[Problem]) -> None:
        """Keep what is to be said about row `number`."""
        self._db.executemany(
            "INSERT INTO issue VALUES (?, ?, ?, ?, ?)",
            [(number, p.code, p.column, p.text, p.lost) for p in problems],
        )

    def seal(self, *, longest: int, thing: str) -> int:
        """Settle which groups can go in, and return how many rows are lost with those that cannot.

        A group with a lost row is lost whole: half an order would have a wrong total.
        """
        self._write()
        self._db.execute("CREATE INDEX line_part ON line (part, row)")
        self._db.execute("CREATE INDEX line_code ON line (code)")
        self._db.execute("CREATE INDEX loss_part ON loss (part)")
        self._db.execute(
            """INSERT INTO part SELECT line.part, min(line.row), count(*), (SELECT min(row) FROM loss
               WHERE loss.part = line.part) FROM line GROUP BY line.part"""
        )
        self._db.execute("UPDATE part SET broken = -1 WHERE broken IS NULL AND size > ?", (longest,))
        self._db.execute(
            """INSERT INTO issue SELECT line.row, iif(broken < 0, 'too_many_lines', 'same_group'), '', iif(broken < 0,
               'Not imported: this ' || ? || ' has more than ' || ? || ' rows.',
               'Not imported: row ' || broken || ' of the same ' || ? || ' has a problem.'), 1
               FROM line JOIN part ON part.key = line.part WHERE broken IS NOT NULL""",
            (thing, longest, thing),
        )
        self._db.execute("DELETE FROM line WHERE part IN (SELECT key FROM part WHERE broken IS NOT NULL)")
        self._db.execute("DELETE FROM part WHERE broken IS NOT NULL")
        return self.rows_read - self.row_count()

    def _write(self) -> None:
        self._db.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def row_count(self) -> int:
        """Return how many rows wait to go in."""
        return int(self._db.execute("SELECT count(*) FROM line").fetchone()[0])

    def group_count(self) -> int:
        """Return how many groups wait to go in."""
        return int(self._db.execute("SELECT count(*) FROM part").fetchone()[0])

    def repeated_rows(self) -> int:
        """Return how many rows say exactly what an earlier row of their group says."""
        found = self._db.execute("SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM line GROUP BY part, data)")
        return int(found.fetchone()[0] or 0)

    def issues(self) -> Iterator[tuple[int, Problem]]:
        """Yield what reading found, in the order of the rows."""
        cursor = self._db.execute("SELECT row, code, message, field, lost FROM issue ORDER BY row, rowid")
        for row, code, message, field, lost in cursor:
            yield row, Problem(code, message, field, bool(lost))

    def batches(self, *, skip: int, rows: int) -> Iterator[list[Group]]:
        """Yield the groups behind the first `skip`, in the file's order, in batches of about `rows` rows."""
        batch: list[Group] = []
        size = 0
        for (key,) in self._db.execute("SELECT key FROM part ORDER BY first LIMIT -1 OFFSET ?", (skip,)):
            lines = self._db.execute("SELECT row, data FROM line WHERE part = ? ORDER BY row", (key,)).fetchall()
            batch.append(Group(key, [(row, orjson.loads(data)) for row, data in lines]))
            size += len(lines)
            if size >= rows:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def usual(self, codes: Iterable[str]) -> Mapping[str, tuple[str, int]]:
        """Return the most frequent name and price of each code; of equals, the one that comes first."""
        return {code: (self._most(code, "name") or "", self._most(code, "price") or 0) for code in codes}

    def _most(self, code: str, column: str) -> Any:
        found = self._db.execute(
            f"SELECT {column} FROM line WHERE code = ? AND {column} IS NOT NULL AND {column} NOT IN ('', 0) "  # noqa: S608
            f"GROUP BY {column} ORDER BY count(*) DESC, min(row) LIMIT 1",
            (code,),
        ).fetchone()
        return found[0] if found else None
