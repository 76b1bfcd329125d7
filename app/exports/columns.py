"""The columns of an export, as SQL and as Parquet types. Their names are those that an import recognises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from babel.numbers import get_currency_precision

from app.files.cells import neutralised_sql
from app.kit.money import currencies

_USUAL_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, the SQL of its value, its type, and whether people's text is in it."""

    name: str
    sql: str
    type: pa.DataType
    words: bool = False

    def plain(self) -> str:
        """Return the SQL of the value as it is."""
        return f"{self.sql} AS {self.name}"

    def harmless(self) -> str:
        """Return the SQL of the value as no spreadsheet runs it."""
        return f"{neutralised_sql(self.sql)} AS {self.name}" if self.words else self.plain()


def words(name: str, sql: str) -> Column:
    """Return a column of text that people wrote."""
    return Column(name, sql, pa.string(), words=True)


def label(name: str, sql: str) -> Column:
    """Return a column of text that we wrote: states, codes, ids."""
    return Column(name, sql, pa.string())


def whole(name: str, sql: str) -> Column:
    """Return a column of whole numbers."""
    return Column(name, sql, pa.int64())


def moment(name: str, sql: str) -> Column:
    """Return a column of instants, in UTC and ISO 8601."""
    return Column(name, f"(to_json({sql}) #>> '{{}}')", pa.timestamp("us", tz="UTC"))


def amount(name: str, sql: str, currency: str) -> Column:
    """Return a column of exact amounts as decimal text. It may be negative, and then starts like a formula."""
    return Column(name, _amount_sql(sql, currency), pa.string(), words=True)


def _amount_sql(minor: str, currency: str) -> str:
    by_digits: dict[int, list[str]] = {}
    for code in sorted(currencies()):
        by_digits.setdefault(get_currency_precision(code), []).append(f"'{code}'")
    usual = f"({minor} * {_unit(_USUAL_DIGITS)})::text"
    other = "".join(
        f" WHEN {currency} IN ({', '.join(codes)}) THEN ({minor} * {_unit(digits)})::text"
        for digits, codes in by_digits.items()
        if digits != _USUAL_DIGITS
    )
    # In numeric arithmetic the factor's decimals stay: 250 * 0.01 is 2.50.
    return f"(CASE WHEN {currency} IN ('EUR', 'GBP', 'USD') THEN {usual}{other} ELSE {usual} END)"


def _unit(digits: int) -> str:
    return "1" if digits == 0 else f"0.{'1'.rjust(digits, '0')}"


def schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Parquet schema of `columns`."""
    return pa.schema([(column.name, column.type) for column in columns])
