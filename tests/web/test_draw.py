from __future__ import annotations

import pytest

from app.web import draw, states
from app.web.assets import ICON_NAMES


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Brook", "AB"),
        ("mara", "MA"),
        ("x", "X"),
        ("Jean de la Tour", "JT"),
        ("", "?"),
        ("…", "?"),
        ("ada@brook.example", "AB"),
    ],
)
def test_initials_are_first_and_last(name: str, letters: str) -> None:
    assert draw.initials(name) == letters


def test_a_hue_is_the_same_for_the_same_id_and_one_of_six() -> None:
    assert draw.hue_of("u1") == draw.hue_of("u1")
    assert {draw.hue_of(i) for i in range(200)} == set(range(1, 7))


def test_a_sparkline_needs_two_points_and_stays_in_its_box() -> None:
    assert draw.spark_line([]) == draw.spark_line([4]) == ""
    points = [tuple(map(float, pair.split(","))) for pair in draw.spark_line([5, 5, -3, 900]).split()]
    assert points[0][0] == 0
    assert points[-1] == (104, 2)
    assert all(0 <= y <= 32 for _, y in points)


def test_every_state_has_an_icon_of_the_sprite() -> None:
    assert {look.icon for look in states.LOOKS.values()} <= set(ICON_NAMES.read_text().split())


def test_an_unknown_state_is_a_plain_word_and_a_known_one_cannot_change_its_look() -> None:
    assert states.look_of("on_hold").word == "On hold"
    with pytest.raises(ValueError, match="has a look already"):
        states.register("active", states.Look("Live", "bolt", states.OK))
