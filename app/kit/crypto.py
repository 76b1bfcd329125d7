"""Keys for one purpose each, made from the installation's secret, and a box that only this installation can open."""

from __future__ import annotations

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Unopenable(Exception):
    """The sealed text was altered, is of another purpose, or was sealed under another secret."""


@lru_cache(maxsize=64)
def derive(secret_key: str, purpose: str) -> bytes:
    """Return the 256-bit key of `purpose`; a key for one purpose says nothing about another (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=b"terrace", info=purpose.encode()).derive(secret_key.encode())


def seal(secret_key: str, purpose: str, plain: bytes) -> str:
    """Encrypt `plain` so that only `unseal` with the same secret and purpose gives it back."""
    nonce = os.urandom(_NONCE_BYTES)
    box = AESGCM(derive(secret_key, f"seal/{purpose.partition(':')[0]}"))
    return base64.urlsafe_b64encode(nonce + box.encrypt(nonce, plain, purpose.encode())).decode()


def unseal(secret_key: str, purpose: str, sealed: str) -> bytes:
    """Decrypt what `seal` made. A part of `purpose` after a colon is bound to it without a key of its own.

    Raises Unopenable.
    """
    box = AESGCM(derive(secret_key, f"seal/{purpose.partition(':')[0]}"))
    try:
        raw = base64.urlsafe_b64decode(sealed.encode())
        return box.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
    except (ValueError, InvalidTag):
        raise Unopenable("the sealed text cannot be opened") from None
