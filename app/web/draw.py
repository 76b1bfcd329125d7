"""What the templates draw from data: initials, hues and the points of a sparkline."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

HUES = 6
_WIDTH, _HEIGHT = 104, 32


def hue_of(key: object) -> int:
    """Return the hue, 1 to 6, of a person or thing: the same for the same id, always."""
    return zlib.crc32(str(key).encode()) % HUES + 1


def initials(name: str) -> str:
    """Return one or two capital letters for `name`: first and last word."""
    words = [word for word in name.replace("@", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    first, last = words[0][0], words[-1][0] if len(words) > 1 else words[0][1:2]
    return (first + last).upper()


def spark_line(series: Sequence[float]) -> str:
    """Return `series` as SVG points in a box of 104 by 32; "" when there is no line to draw."""
    if len(series) < 2:
        return ""
    low, high = min(series), max(series)
    span = (high - low) or 1
    step = _WIDTH / (len(series) - 1)
    return " ".join(
        f"{index * step:.1f},{_HEIGHT - 2 - (value - low) / span * (_HEIGHT - 4):.1f}"
        for index, value in enumerate(series)
    )
