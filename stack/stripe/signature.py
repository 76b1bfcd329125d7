"""Signatures of deliveries."""

import hashlib
import hmac
from collections.abc import Sequence


def header(body: bytes, secrets: Sequence[str], at: int) -> str:
    """Return `Stripe-Signature` for a body: one signature for each secret that holds."""
    signed = b"%d." % at + body
    real = [f"v1={_mac(secret.encode(), signed)}" for secret in secrets]
    # Test mode has a signature of another scheme beside the real one, and whoever takes it for real is mistaken.
    return ",".join([f"t={at}", *real, f"v0={_mac(b'v0', signed)}"])


def _mac(secret: bytes, signed: bytes) -> str:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()
