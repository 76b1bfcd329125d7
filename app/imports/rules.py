"""Codes that shops write among their articles although nothing is taken from a shelf: postage, fees, corrections.

A line is of such a kind when its code and its name both say so, and the shop has no product with that code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines with `code`, and a name that `name` matches or none, are of `kind`."""

    code: re.Pattern[str]
    name: re.Pattern[str]
    kind: str


def _rule(code: str, name: str, kind: str) -> Rule:
    return Rule(re.compile(code, re.IGNORECASE), re.compile(name, re.IGNORECASE), kind)


RULES = (
    _rule(r"POST(AGE)?", r".*(postage|shipping).*", "postage"),
    _rule(r"DOT", r".*postage.*", "postage"),
    _rule(r"C2|CARRIAGE|FREIGHT|SHIPPING|DELIVERY", r".*(carriage|freight|shipping|delivery).*", "postage"),
    _rule(r"BANK ?CHARGES?", r".*(bank|charge).*", "fee"),
    _rule(r"AMAZON ?FEE|FEE|CRUK", r".*(fee|commission).*", "fee"),
    _rule(r"D|DISCOUNT", r".*discount.*", "discount"),
    _rule(r"M|MANUAL|ADJUST\d?", r".*(manual|adjust).*", "manual"),
)


def kind_of(code: str, name: str) -> str | None:
    """Return the kind of a line that is no product, or None."""
    for rule in RULES:
        if rule.code.fullmatch(code) and (not name or rule.name.fullmatch(name)):
            return rule.kind
    return None
