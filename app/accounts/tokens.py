"""Access tokens: signed by Ed25519, valid for an hour, and believed only in exactly the form that is made here.

They say who and since when, never what somebody may do: that is read at every request. The key comes from the secret
key. A token is refused for any header beyond algorithm, key id and type, so that no header can name a key of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from app.accounts.errors import TokenExpired, TokenInvalid
from app.kit.crypto import derive
from app.kit.ids import new_id, parse_id
from config.settings import Settings
from tenants.tenant import Tenant

LIFETIME = timedelta(hours=1)
# Clocks of two machines may differ this much; it stretches no token's end.
LEEWAY = timedelta(seconds=30)
# For so long after its end a token may still be used for one thing: to sign out.
GRACE = timedelta(seconds=300)
AUDIENCE = "terrace-api"
ALGORITHM = "Ed25519"
TYPE = "at+jwt"
_MAX_LENGTH = 4096
_PART = re.compile(r"[A-Za-z0-9_-]+")
_TEXTS = ("iss", "aud", "sub", "email", "tenant_id", "tenant_tier", "jti", "sid")
_NUMBERS = ("iat", "exp", "perm_epoch")
_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Access:
    """What a believed access token says."""

    user_id: UUID
    tenant_id: UUID
    session_id: UUID
    token_id: str
    issued_at: datetime
    expires_at: datetime
    perm_epoch: int


@lru_cache(maxsize=4)
def signing_key(settings: Settings) -> OKPKey:
    """Return the installation's signing key; its id is the start of the hash of its public part."""
    private = Ed25519PrivateKey.from_private_bytes(derive(settings.secret_key, "accounts/jwt/v1"))
    kid = hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16]
    return OKPKey.import_key(private, {"kid": kid, "use": "sig", "alg": ALGORITHM})


def public_keys(settings: Settings) -> dict[str, Any]:
    """Return the key set with which others check our tokens."""
    return {"keys": [signing_key(settings).as_dict(private=False)]}


def issue(settings: Settings, tenant: Tenant, *, user: Any, session_id: UUID, now: datetime) -> str:
    """Return a fresh access token for `user` in `tenant`."""
    key = signing_key(settings)
    issued = int(now.timestamp())
    claims = {
        "iss": settings.base_url,
        "aud": AUDIENCE,
        "sub": str(user.id),
        "email": user.email,
        "tenant_id": str(tenant.id),
        "tenant_tier": tenant.tier.name,
        "groups": [user.role],
        "jti": str(new_id()),
        "sid": str(session_id),
        "perm_epoch": user.perm_epoch,
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}, claims, key, algorithms=[ALGORITHM])


class Verifier:
    """Believes or refuses access tokens; remembers those whose signature was good."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: OrderedDict[bytes, Access] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, token: str, *, now: datetime, grace: timedelta = timedelta(0)) -> Access:
        """Return what `token` says. `grace` is how long after its end it is still taken.

        Raises TokenInvalid, TokenExpired.
        """
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        with self._lock:
            access = self._seen.get(name)
        if access is None:
            access = _read(_checked(self._settings, token))
            with self._lock:
                self._seen[name] = access
                while len(self._seen) > _CACHE_SIZE:
                    self._seen.popitem(last=False)
        _check_times(access, now, grace)
        return access


def refused(error: str = "invalid_token") -> dict[str, str]:
    """Return the header that tells a client what kind of credential is wanted (RFC 6750)."""
    return {"WWW-Authenticate": f'Bearer error="{error}"'}


def _invalid() -> TokenInvalid:
    return TokenInvalid("Sign in again.", headers=refused())


def _checked(settings: Settings, token: str) -> dict[str, Any]:
    """Return the claims of a token whose form and signature are good."""
    parts = token.split(".")
    if len(token) > _MAX_LENGTH or len(parts) != 3:
        raise _invalid()
    header, claims = _json_part(parts[0]), _json_part(parts[1])
    _part_bytes(parts[2])
    key = signing_key(settings)
    if header != {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}:
        raise _invalid()
    try:
        decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        raise _invalid() from None
    if decoded.claims != claims or claims.get("iss") != settings.base_url or claims.get("aud") != AUDIENCE:
        raise _invalid()
    return claims


def _part_bytes(part: str) -> bytes:
    """Decode one part; only the one spelling that encodes these bytes is taken."""
    if not _PART.fullmatch(part):
        raise _invalid()
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise _invalid() from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise _invalid()
    return raw


def _json_part(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_part_bytes(part), object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(found, dict):
        raise _invalid()
    return found


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; a name that comes twice could mean one thing here and another elsewhere."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)


def _read(claims: dict[str, Any]) -> Access:
    if not all(isinstance(claims.get(name), str) for name in _TEXTS):
        raise _invalid()
    if not all(type(claims.get(name)) is int for name in _NUMBERS):
        raise _invalid()
    user_id, tenant_id, session_id = (parse_id(claims[name]) for name in ("sub", "tenant_id", "sid"))
    if user_id is None or tenant_id is None or session_id is None:
        raise _invalid()
    if not 0 < claims["exp"] - claims["iat"] <= LIFETIME.total_seconds():
        raise _invalid()
    try:
        issued, expires = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
    except (ValueError, OverflowError, OSError):
        raise _invalid() from None
    return Access(user_id, tenant_id, session_id, claims["jti"], issued, expires, claims["perm_epoch"])


def _check_times(access: Access, now: datetime, grace: timedelta) -> None:
    if access.issued_at > now + LEEWAY:
        raise _invalid()
    if now >= access.expires_at + grace:
        ends = (access.expires_at + GRACE).isoformat()
        raise TokenExpired("Refresh it, or sign in again.", headers=refused(), grace_ends_at=ends)


@lru_cache(maxsize=4)
def verifier(settings: Settings) -> Verifier:
    """Return the process's verifier."""
    return Verifier(settings)
