"""Normal forms of what people type, so that equality and "begins with" are plain comparisons that an index serves.

Comparisons of text in the "C" collation are leakproof: they keep their index behind row-level security.
"""

from __future__ import annotations

import unicodedata

COLLATION = "C"
_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def normal(value: str) -> str:
    """Return `value` folded for comparison: compatibility form, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def email_key(value: str) -> str:
    """Return an e-mail address as it is compared: whole address without case."""
    return unicodedata.normalize("NFC", value.strip()).casefold()


def after_prefix(prefix: str) -> str | None:
    """Return the smallest text above every text that begins with `prefix`, or None when there is none."""
    while prefix:
        head, last = prefix[:-1], ord(prefix[-1])
        if last < _LAST:
            following = last + 1
            return head + chr(_SURROGATES.stop if following in _SURROGATES else following)
        prefix = head
    return None
