"""Addresses of static files: named with a content hash, so that browsers may keep them for a year."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
MANIFEST = STATIC / "vendor" / "manifest.json"
ICON_NAMES = Path(__file__).parent / "icons.txt"
_TEXT = frozenset({".css", ".js", ".svg", ".json"})
_HASHED = re.compile(r"vendor/.+\.[0-9a-f]{8,64}\.[a-z0-9]+")


@cache
def _manifest() -> dict[str, str]:
    # Read once: set-up writes it before the server starts.
    if not MANIFEST.exists():
        return {}
    names: dict[str, str] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return names


@cache
def _digest(name: str, stamp: int) -> str:
    """Return the short content hash of `name`; `stamp` makes an edited file a new question."""
    del stamp
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def digest(name: str) -> str:
    """Return the short content hash of one of our own static files.

    Raises FileNotFoundError when there is no such file.
    """
    return _digest(name, (STATIC / name).stat().st_mtime_ns)


def asset(name: str) -> str:
    """Return the address of `name`: a file of ours ("css/app.css") or a vendored one ("htmx.min.js").

    Raises FileNotFoundError for a name that is neither.
    """
    hashed = _manifest().get(name)
    if hashed is not None:
        return f"/static/vendor/{hashed}"
    return f"/static/{name}?v={digest(name)}"


def is_immutable(name: str, version: str | None) -> bool:
    """Say whether the address of a static file names its content, so that it can never change."""
    if _HASHED.fullmatch(name):
        return True
    return version is not None and _own(name) is not None and version == digest(name)


@cache
def _packed(name: str, stamp: int) -> bytes:
    del stamp
    # Level 9 costs milliseconds once; mtime 0 keeps the bytes the same in every process.
    return gzip.compress((STATIC / name).read_bytes(), 9, mtime=0)


def packed(name: str) -> bytes | None:
    """Return the gzipped content of a text file of ours, or None where packing gains nothing."""
    path = _own(name)
    if path is None or path.suffix not in _TEXT:
        return None
    return _packed(name, path.stat().st_mtime_ns)


def _own(name: str) -> Path | None:
    """Return the file `name` when it exists below the static folder."""
    path = (STATIC / name).resolve()
    return path if path.is_file() and path.is_relative_to(STATIC.resolve()) else None


def icon(name: str, extra: str = "") -> Markup:
    """Return the inline reference to one icon of the sprite; hidden from assistive technology."""
    sprite = asset("icons.svg")
    return Markup('<svg class="i{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        f" {extra}" if extra else "", sprite, name
    )


_FACES = {
    "inter-latin-wght-normal.woff2": (
        "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, "
        "U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD"
    ),
    "inter-latin-ext-wght-normal.woff2": (
        "U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, "
        "U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF"
    ),
}
# Arial stretched to Inter's width, so that text does not jump when the font arrives.
_NEAR = "@font-face{font-family:'Inter near';src:local(Arial),local('Liberation Sans');size-adjust:107%}"


@cache
def font_css() -> str:
    """Return the `@font-face` rules; they name hashed files, so they are written here and not in a file."""
    faces = [
        f"@font-face{{font-family:Inter;font-weight:100 900;font-display:swap;src:url({asset(name)}) format('woff2');"
        f"unicode-range:{span}}}"
        for name, span in _FACES.items()
        if name in _manifest()
    ]
    return "\n".join([*faces, _NEAR])


def font_css_href() -> str:
    """Return the address of the font rules, with the hash of what they say."""
    return f"/fonts.css?v={hashlib.sha256(font_css().encode()).hexdigest()[:12]}"
