"""Money: exact, in minor units, refused with a sentence when it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.money import MAX_MINOR, BadMoney, to_decimal, to_minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.99", "GBP", 1999),
        ("0", "EUR", 0),
        ("14.9", "EUR", 1490),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("007.50", "EUR", 750),
    ],
)
def test_amounts_are_read(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("19.999", "EUR"), ("1.5", "JPY"), ("-1", "EUR"), ("1e3", "EUR"), ("NaN", "EUR"), ("", "EUR"), ("1,50", "EUR"),
     ("١٢", "EUR"),
     ("1", "XXX1"), ("1", "eur"), ("1", "ZZZ"), ("99999999999999", "EUR"),
     (" ", "EUR"), ("0x10", "EUR"), ("1.", "EUR")],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(BadMoney) as caught:
        to_minor(text, currency)
    assert str(caught.value).endswith(".")


@given(st.integers(0, MAX_MINOR), st.sampled_from(["EUR", "JPY", "KWD", "USD", "CLF"]))
def test_every_amount_survives_the_round_trip(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor
