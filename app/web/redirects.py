"""Where a form or sign-in may send the browser next: a path of this site, and nothing else (WEB-05)."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_path(target: str | None, fallback: str = "/") -> str:
    """Return `target` when it is a plain path of this origin, else `fallback`.

    Browsers read a backslash as a slash and skip control characters, so both refuse the whole target.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    if "\\" in target or any(ord(sign) < 0x21 or ord(sign) == 0x7F for sign in target):
        return fallback
    try:
        parts = urlsplit(target)
    except ValueError:
        return fallback
    return fallback if parts.scheme or parts.netloc or parts.path.startswith("//") else target
