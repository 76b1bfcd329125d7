"""Secrets that travel: session cookies, refresh tokens and the tokens in mailed links.

Each is `<kind>_<tenant>_<secret>`: the kind so that none is taken for another, the tenant so that the edge knows whose
it is without a database. Only a hash is kept, over the whole text, so kind and tenant are bound to the secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from uuid import UUID

SESSION = "ws"
REFRESH = "rt"
VERIFY = "ve"
RESET = "pr"
INVITE = "in"
_SECRET_BYTES = 32
_FORM = re.compile(r"([a-z]{2})_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


def mint(kind: str, tenant_id: UUID) -> str:
    """Return a fresh token of `kind` with 256 random bits."""
    return spell(kind, tenant_id, secrets.token_bytes(_SECRET_BYTES))


def spell(kind: str, tenant_id: UUID, secret: bytes) -> str:
    """Return the token of `kind` that carries `secret`."""
    return f"{kind}_{tenant_id.hex}_{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def tenant_of(kind: str, token: object) -> UUID | None:
    """Return the tenant that a token of `kind` names, or None when it is not of that form."""
    match = _FORM.fullmatch(token) if isinstance(token, str) else None
    return UUID(match[2]) if match and match[1] == kind else None


def digest(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
