"""How values read: money, instants and numbers, by the rules of the reader's language and zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from babel.dates import format_date, format_timedelta, get_timezone
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import g, has_request_context
from markupsafe import Markup

from app.kit.clock import utcnow

LOCALE = "en_GB"
_DAY = 86_400


def reader_zone() -> tzinfo:
    """Return the reader's time zone: the edge puts it into `g.zone`; UTC otherwise."""
    name = g.get("zone") if has_request_context() else None
    return get_timezone(name) if name else UTC


def money(minor: int | None, currency: str) -> str:
    """Return minor units as an amount with its sign, cents always: 1490, "EUR" → "€14.90"."""
    if minor is None:
        return ""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=LOCALE)


def number(value: float | Decimal | None) -> str:
    """Return a number with grouped digits: 100000 → "100,000"."""
    return "" if value is None else format_decimal(value, locale=LOCALE)


def _words(instant: datetime, now: datetime) -> str:
    seconds = (now - instant).total_seconds()
    if 0 <= seconds < 45:
        return "just now"
    if 0 <= seconds < _DAY:
        return format_timedelta(instant - now, granularity="minute", threshold=1, add_direction=True, locale=LOCALE)
    return _stamp(instant, now)


def _stamp(instant: datetime, now: datetime) -> str:
    zone = reader_zone()
    local = instant.astimezone(zone)
    return f"{day(local.date(), now.astimezone(zone).date())}, {local:%H:%M}"


def _element(instant: datetime, words: str) -> Markup:
    exact = instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(exact, words)


def day(value: date, today: date | None = None) -> str:
    """Return a date as "20 Nov", with the year only when it is not this one."""
    today = today or utcnow().astimezone(reader_zone()).date()
    return format_date(value, "d MMM" if value.year == today.year else "d MMM y", locale="en")


def when(instant: datetime | None, now: datetime | None = None) -> Markup:
    """Return an instant as a `<time>`: relative under a day, else "20 Nov, 16:48"; exact in `datetime`."""
    return Markup("") if instant is None else _element(instant, _words(instant, now or utcnow()))


def moment(instant: datetime | None) -> Markup:
    """Return an instant as a `<time>` that always names day and minute."""
    return Markup("") if instant is None else _element(instant, _stamp(instant, utcnow()))


def on_day(value: date | datetime | None) -> Markup:
    """Return a date, or the day of an instant, as a `<time>`."""
    if value is None:
        return Markup("")
    local = value.astimezone(reader_zone()).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), day(local))
