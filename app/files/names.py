"""File names: what a person's file may be called, and how a download announces its name (RFC 6266)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_LONGEST = 120
# Separators, what Windows refuses, and all control and direction characters.
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')


def safe_name(name: str, fallback: str) -> str:
    """Return `name` without folders, control characters and leading dots, cut to a length that all systems take."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    clean = _UNSAFE.sub("", last).strip().lstrip(".").strip()
    if not clean:
        return fallback
    stem, dot, suffix = clean.rpartition(".")
    if not dot or len(suffix) > 10:
        return clean[:_LONGEST]
    return f"{stem[: _LONGEST - len(suffix) - 1]}.{suffix}"


def attachment(name: str) -> str:
    """Return the Content-Disposition that makes a browser save the body as `name`, never show it."""
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
