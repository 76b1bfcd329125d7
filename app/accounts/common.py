"""Passwords that are long enough and still among the first that anybody would try."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# Words that lists of leaked passwords are made of; joined, doubled or numbered they stay easy.
_WORDS = frozenset((Path(__file__).parent / "common_words.txt").read_text().split())
_LOOKALIKES = str.maketrans("013457@$!|", "oieastasil")
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm",
         "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp")  # fmt: skip
_MIN_DISTINCT = 5
_MIN_LEFT = 5
_MIN_CONTEXT = 4


def guessable(password: str, context: Iterable[str] = ()) -> bool:
    """Say whether `password` is a run, a repetition, or common words and the person's own names with little else."""
    text = password.casefold()
    if len(set(text)) < _MIN_DISTINCT or _repeats(text) or _is_run(text):
        return True
    own = {part for name in context for part in _parts(name)}
    return any(_left_over(folded, own) < _MIN_LEFT for folded in (text, text.translate(_LOOKALIKES)))


def _repeats(text: str) -> bool:
    """Say whether the text is one short piece again and again."""
    return text in (text + text)[1:-1] and (text + text).find(text, 1) <= len(text) // 2


def _is_run(text: str) -> bool:
    """Say whether the text is made of stretches of the alphabet, the digits or a keyboard's rows."""
    rest = text
    for run in _RUNS:
        for way in (run, run[::-1]):
            for length in range(len(way), 3, -1):
                for start in range(len(way) - length + 1):
                    rest = rest.replace(way[start : start + length], "")
    return len(rest) < _MIN_LEFT


def _parts(name: str) -> list[str]:
    """Return the pieces of a name or address that are long enough to mean something."""
    return [part for part in re.split(r"[^\w]+|_", name.casefold()) if len(part) >= _MIN_CONTEXT]


def _left_over(text: str, own: set[str]) -> int:
    """Count the letters that remain when common words and the person's own names are taken out."""
    letters = re.sub(r"[\W\d_]+", " ", text)
    words = letters.split()
    for word in sorted(own | _WORDS, key=len, reverse=True):
        if len(word) >= _MIN_CONTEXT:
            words = [part for piece in words for part in piece.split(word)]
    return sum(len(piece) for piece in words if piece not in _WORDS)
