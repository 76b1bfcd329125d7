"""Passwords: what may be one, how it is kept, how it is checked.

Kept is `p<version>$` and an argon2id hash of the password's HMAC under a pepper. The pepper comes from the secret key,
so a stolen database alone cannot be guessed against. Text is brought to NFC first: one keyboard sends an accent as one
code point, another as two, and both mean the same password. Nothing is cut off and nothing else is changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.accounts.bulkhead import HASHING
from app.accounts.common import guessable
from app.kit.crypto import derive
from config.settings import Settings

MIN_LENGTH = 12
MAX_LENGTH = 128
# 50 to 150 ms on one core of the machine this was measured on; the floor is 19 MiB, 2, 1.
_HASHER = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1, hash_len=32, salt_len=16)
PEPPER_VERSION = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right, and whether its stored form is older than what is made today."""

    right: bool
    outdated: bool = False


def normal_password(password: str) -> str:
    """Return the one form of `password` that counts."""
    return unicodedata.normalize("NFC", password)


def password_problem(password: str, *context: str) -> str | None:
    """Return the sentence that says why `password` cannot be used, or None. `context`: e-mail, names, company."""
    text = normal_password(password)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Leave out characters that cannot be stored."
    if len(text) < MIN_LENGTH:
        return f"Use {MIN_LENGTH} characters or more. A short sentence works well."
    if len(text) > MAX_LENGTH:
        return f"Use {MAX_LENGTH} characters at most."
    if guessable(text, context):
        return "This is easy to guess. Use a few words that do not belong together."
    return None


def hash_password(settings: Settings, password: str) -> str:
    """Return what is stored for `password`.

    Raises TooManyRequests while too many are being hashed.
    """
    with HASHING.slot():
        return f"p{PEPPER_VERSION}${_HASHER.hash(_peppered(settings, password, PEPPER_VERSION))}"


def verify_password(settings: Settings, stored: str | None, password: str) -> Verdict:
    """Compare `password` with what is stored. Without anything stored it costs the same, and is wrong.

    Raises TooManyRequests while too many are being hashed.
    """
    target = stored or _dummy(settings)
    prefix, _, argon = target.partition("$")
    version = int(prefix[1:]) if prefix[1:].isdigit() else PEPPER_VERSION
    with HASHING.slot():
        try:
            _HASHER.verify(argon, _peppered(settings, password, version))
        except (VerificationError, InvalidHashError):
            return Verdict(right=False)
    outdated = version != PEPPER_VERSION or _HASHER.check_needs_rehash(argon)
    return Verdict(right=stored is not None, outdated=outdated)


def _peppered(settings: Settings, password: str, version: int) -> str:
    key = derive(settings.secret_key, f"accounts/pepper/v{version}")
    # A lone surrogate has no UTF-8 form; such a password was never accepted, and must only be wrong here.
    text = normal_password(password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()


@lru_cache(maxsize=4)
def _dummy(settings: Settings) -> str:
    return f"p{PEPPER_VERSION}${_HASHER.hash(_peppered(settings, 'nobody', PEPPER_VERSION))}"


def warm_up(settings: Settings) -> None:
    """Make the hash that unknown people are compared with, so that the first of them waits no longer than others."""
    _dummy(settings)
