"""What a revision may declare beside `upgrade()`: work that has no place in its transaction.

`concurrently()` returns indexes on tables that hold rows, `batches()` returns changes of rows. Both are done after the
revision's DDL has committed and before the next revision begins. A new schema is empty: it gets the indexes with its
tables, and no batches.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """An index that is built while the table is read and written."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""

    def statement(self, schema: str | None = None) -> str:
        """Return the statement that builds it: concurrently in `schema`, or plainly on the search path."""
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        table = f'"{schema}".{self.table}' if schema else self.table
        how = f"{kind} CONCURRENTLY" if schema else kind
        condition = f" WHERE {self.where}" if self.where else ""
        return f"CREATE {how} {self.name} ON {table} ({', '.join(self.columns)}){condition}"


@dataclass(frozen=True, slots=True)
class Batch:
    """A change of a table's rows, tenant by tenant, in pages by `id`; each page is a transaction of its own.

    `assign` and `where` are SQL over the table's own columns. After each page the lane rests `rest` times as long as
    the page took, so that a long change leaves the server to the traffic.
    """

    name: str
    table: str
    assign: str
    where: str = "true"
    size: int = 1000
    rest: float = 1.0


Work = ConcurrentIndex | Batch
