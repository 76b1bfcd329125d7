from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import brand


@pytest.mark.parametrize(("text", "colour"), [("#0F6B76", "#0f6b76"), ("abc", "#aabbcc"), (" #FFd400 ", "#ffd400")])
def test_a_colour_is_read_however_it_is_written(text: str, colour: str) -> None:
    assert brand.parse_colour(text) == colour


@pytest.mark.parametrize(
    "text", ["", "#12", "#12345g", "red", "#0f6b76;}body{", "url(x)", "#0f6b7600", "\u0660\u0661\u0662"]
)
def test_whatever_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(brand.BadColour, match="six digits"):
        brand.parse_colour(text)


@given(st.text(max_size=20))
def test_the_stylesheet_is_one_rule_whatever_was_typed(text: str) -> None:
    try:
        css = brand.stylesheet(text)
    except brand.BadColour:
        return
    assert css.startswith(":root{--brand:#")
    assert len(css) == len(":root{--brand:#000000}")


def test_contrast_is_that_of_the_standard() -> None:
    assert brand.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert brand.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_advice_differs_for_dark_light_and_middling_colours() -> None:
    assert len({brand.advice("#0f6b76"), brand.advice("#ffd400"), brand.advice("#2f9dff")}) == 3
