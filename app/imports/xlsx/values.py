"""What a cell's stored value says as text: numbers as they are shown, dates by their format."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation

# A spreadsheet stores binary fractions and shows 15 digits: 2.5499999999999998 is what it calls 2.55.
_DIGITS = Context(prec=15)
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
_PLAIN_LENGTH = 15
_LARGEST = 30
# Day 60 is a 29 February 1900 that never was; no order is that old.
_BASE, _BASE_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - spreadsheets know no zones
_LAST_DAY = 2_958_466
_DAY_MS = 86_400_000

# Formats that have a number and no code in the file: dates and times, also those of East Asian languages.
_BUILT_IN = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_QUIET = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DATE_SIGNS = re.compile("[ymdhs]", re.IGNORECASE)


def number(text: str) -> str:
    """Return a stored number with the digits that a spreadsheet shows, and no exponent."""
    text = text.strip()
    if len(text) <= _PLAIN_LENGTH and _PLAIN.fullmatch(text):
        return text
    try:
        value = _DIGITS.create_decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value.adjusted()) > _LARGEST:
        return text
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def date(text: str, *, from_1904: bool) -> str:
    """Return the date and time that a stored number of days means; a number that means none, as it is."""
    try:
        days = Decimal(text.strip())
    except InvalidOperation:
        return text
    if not days.is_finite() or not 0 <= days < _LAST_DAY:
        return number(text)
    at = (_BASE_1904 if from_1904 else _BASE) + timedelta(milliseconds=round(days * _DAY_MS))
    return at.isoformat(" ", "milliseconds" if at.microsecond else "seconds")


def is_date_format(number_format: int, codes: dict[int, str]) -> bool:
    """Say whether cells of this format show dates."""
    code = codes.get(number_format)
    if code is None:
        return number_format in _BUILT_IN
    shown = _QUIET.sub("", code.partition(";")[0])
    return _DATE_SIGNS.search(shown) is not None and "general" not in shown.lower()
