"""Money: integer minor units beside an ISO 4217 currency; decimals only at the edges."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import cache

from babel import Locale
from babel.numbers import get_currency_precision, list_currencies

# Far above any price, far below bigint: sums of 10^6 lines still fit.
MAX_MINOR = 10**12
_PLAIN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")


class BadMoney(ValueError):
    """The text is no amount of that currency; the message is fit for the person who typed it."""


@cache
def currencies() -> frozenset[str]:
    """Return the ISO codes that are in the English locale data, upper case."""
    return frozenset(c for c in list_currencies(Locale("en")) if re.fullmatch(r"[A-Z]{3}", c))


def to_minor(amount: str | Decimal | int, currency: str) -> int:
    """Return `amount` (a decimal such as "19.99") in minor units of `currency`.

    Raises BadMoney for a sign, too many decimals, an unknown currency or a number beyond MAX_MINOR.
    """
    if currency not in currencies():
        raise BadMoney("Write a three-letter currency code, like EUR.")
    text = str(amount).strip()
    if not _PLAIN.fullmatch(text):
        raise BadMoney("Write a number, like 14.90.")
    digits = _digits(currency)
    try:
        minor = Decimal(text).scaleb(digits)
    except InvalidOperation as error:
        raise BadMoney("Write a number, like 14.90.") from error
    if minor != minor.to_integral_value():
        raise BadMoney(f"{currency} has {digits} decimals at most.")
    if minor > MAX_MINOR:
        raise BadMoney("That is more than we can book; write a smaller amount.")
    return int(minor)


def to_decimal(minor: int, currency: str) -> str:
    """Return `minor` units of `currency` as the decimal string of the public contract ("19.99")."""
    digits = _digits(currency)
    # Whole numbers all the way, and the usual case first: every list of prices comes through here.
    if digits == 2 and minor >= 0:
        return f"{minor // 100}.{minor % 100:02d}"
    if digits == 0:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}d}"


@cache
def _digits(currency: str) -> int:
    """Return how many decimals `currency` has."""
    return get_currency_precision(currency)
