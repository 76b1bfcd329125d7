"""From a cell's text to a value: numbers, money, dates and addresses as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from app.kit.money import BadMoney, currencies, to_minor

_WHOLE = re.compile(r"[+-]?\d{1,12}")
_SPREADSHEET_NUMBER = re.compile(r"\d+\.0+")
_EMPTY_DECIMALS = re.compile(r"\.0+$")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_GROUPED_COMMA = re.compile(r"\d{1,3}(?:[. \u00a0\u202f']\d{3})*,\d+")
_SIGNS = re.compile(r"^[£$€¥\s\u00a0]+|[£$€¥\s\u00a0]+$")
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FIRST_YEAR = 1970


class BadCell(ValueError):
    """The cell does not hold what its column needs; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Dates:
    """How dates without a zone, and dates like 01/12/2010, are to be read."""

    zone: tzinfo = UTC
    month_first: bool = False


def short_text(cell: str, longest: int) -> str:
    """Return the cell's text on one line, without white space around it.

    Raises BadCell when it is longer than `longest`.
    """
    text = _CONTROL.sub(" ", cell).strip()
    if len(text) > longest:
        raise BadCell(f"{len(text):,} characters are too many; {longest:,} are the most.")
    return text


def long_text(cell: str, longest: int) -> str:
    """Return the cell's text as it is.

    Raises BadCell when it is longer than `longest`.
    """
    if len(cell) > longest:
        raise BadCell(f"{len(cell):,} characters are too many; {longest:,} are the most.")
    return cell


def code(cell: str) -> str:
    """Return a number or code without the ".0" that a spreadsheet gave it."""
    text = cell.strip()
    return text.partition(".")[0] if _SPREADSHEET_NUMBER.fullmatch(text) else text


def whole(cell: str, *, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`; "6.0" and "1,200" are ones.

    Raises BadCell otherwise.
    """
    text = _EMPTY_DECIMALS.sub("", cell.strip())
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _WHOLE.fullmatch(text):
        raise BadCell("Write a whole number, like 6.")
    number = int(text)
    if number < low:
        raise BadCell(f"{number:,} is too small; {low:,} is the least.")
    if number > high:
        raise BadCell(f"{number:,} is too much; {high:,} is the most.")
    return number


def money(cell: str, currency: str) -> int:
    """Return an amount in minor units; "£1,234.50", "1234,5" and "1.234,50" are ones.

    Raises BadCell otherwise, and for a negative amount.
    """
    text = _SIGNS.sub("", cell)
    if text.startswith("-"):
        raise BadCell("A price cannot be negative.")
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    elif _GROUPED_COMMA.fullmatch(text):
        text = re.sub(r"[. \u00a0\u202f']", "", text).replace(",", ".")
    return _to_minor(text, currency)


@lru_cache(maxsize=4096)
def _to_minor(text: str, currency: str) -> int:
    # "2.550" is the exact amount 2.55; more digits than the currency has would be a loss.
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    try:
        return to_minor(plain, currency)
    except BadMoney as error:
        raise BadCell(str(error)) from error


def currency_code(cell: str) -> str:
    """Return an ISO 4217 code.

    Raises BadCell for any other text.
    """
    text = cell.strip().upper()
    if text not in currencies():
        raise BadCell("Write a three-letter currency code, like EUR.")
    return text


def instant(cell: str, dates: Dates, *, latest: datetime) -> datetime:
    """Return an instant in UTC.

    Raises BadCell for what is no date, and for one before 1970 or after `latest`.
    """
    found = _instant(cell.strip(), dates)
    if found.year < _FIRST_YEAR:
        raise BadCell(f"The date is before {_FIRST_YEAR}.")
    if found > latest:
        raise BadCell("The date is in the future.")
    return found


@lru_cache(maxsize=4096)
def _instant(text: str, dates: Dates) -> datetime:
    try:
        local = _numeric(text, dates) or datetime.fromisoformat(text)
        zoned = local if local.tzinfo else local.replace(tzinfo=dates.zone)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadCell("Write a date and time, like 2010-12-01 08:26.") from error


def _numeric(text: str, dates: Dates) -> datetime | None:
    match = _NUMERIC_DATE.fullmatch(text)
    if match is None:
        return None
    first, mark, second, year, hour, minute, sec = match.groups()
    day, month = (second, first) if dates.month_first and mark == "/" else (first, second)
    return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(sec or 0))  # noqa: DTZ001


@lru_cache(maxsize=4096)
def email(cell: str) -> str:
    """Return an e-mail address as it is written.

    Raises BadCell for what is none.
    """
    try:
        return validate_email(cell.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise BadCell("Write an e-mail address, like alice@example.com.") from error


def one_of(cell: str, choices: tuple[str, ...]) -> str:
    """Return the cell in lower case when it is one of `choices`.

    Raises BadCell otherwise.
    """
    text = cell.strip().lower()
    if text not in choices:
        raise BadCell(f"Write one of {', '.join(choices)}.")
    return text
