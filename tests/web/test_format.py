from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, g

from app.web import format as words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [(1490, "EUR", "€14.90"), (100000, "GBP", "£1,000.00"), (0, "EUR", "€0.00"), (500, "JPY", "JP¥500")],
)
def test_money_is_told_with_its_sign_and_cents(minor: int, currency: str, told: str) -> None:
    assert words.money(minor, currency) == told


def test_no_money_is_no_text() -> None:
    assert words.money(None, "EUR") == ""


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(minutes=12), "12 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=1, hours=1), "20 Nov, 11:00"),
        (timedelta(days=400), "17 Oct 2025, 12:00"),
        (timedelta(hours=-3), "21 Nov, 15:00"),
    ],
)
def test_instants_are_relative_under_a_day_and_exact_in_the_element(ago: timedelta, told: str) -> None:
    element = words.when(NOW - ago, NOW)
    assert f">{told}</time>" in element
    assert (NOW - ago).strftime('datetime="%Y-%m-%dT%H:%M:%SZ"') in element


def test_instants_are_told_in_the_zone_of_the_reader() -> None:
    with Flask("zones").test_request_context("/"):
        g.zone = "Asia/Tokyo"
        assert "21 Nov, 00:30" in words.when(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), NOW + timedelta(days=2))


def test_numbers_are_grouped_and_days_name_the_year_only_when_it_is_another() -> None:
    assert words.number(100000) == "100,000"
    assert words.day(date(2026, 11, 20), NOW.date()) == "20 Nov"
    assert words.day(date(2025, 11, 20), NOW.date()) == "20 Nov 2025"
