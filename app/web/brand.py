"""The one colour a workspace chooses; everything else is computed from it by the stylesheet."""

from __future__ import annotations

import re
from typing import Any

DEFAULT = "#0f6b76"
_HEX = re.compile(r"#[0-9a-f]{6}")


class BadColour(ValueError):
    """The text is no colour; the message is fit for the person who typed it."""


def parse_colour(text: str) -> str:
    """Return `text` as "#rrggbb" in lower case; three digits are doubled.

    Raises BadColour for anything else.
    """
    value = text.strip().lower()
    value = value if value.startswith("#") else f"#{value}"
    if len(value) == 4:
        value = "#" + "".join(digit * 2 for digit in value[1:])
    if not _HEX.fullmatch(value):
        raise BadColour("Write a colour as six digits, like #0f6b76.")
    return value


def luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def advice(colour: str) -> str:
    """Say in one sentence what the colour will do on buttons."""
    if contrast(colour, "#ffffff") >= 4.5:
        return "White words read well on this colour. It is used as it is."
    if luminance(colour) > 0.35:
        return "This colour is light, so words on buttons turn dark. It is used as it is on buttons, darker in text."
    return "White words would be hard to read, so buttons use a slightly darker shade of it."


def colour_of(tenant: Any) -> str:
    """Return the colour of `tenant`, the default when it has none, or when its tier does not include branding."""
    colour = getattr(tenant, "brand_colour", "") or DEFAULT
    return colour if _HEX.fullmatch(colour) else DEFAULT


def stylesheet(colour: str) -> str:
    """Return the whole of `/brand.css`."""
    return f":root{{--brand:{parse_colour(colour)}}}"
