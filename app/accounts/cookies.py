"""The cookies of this module. They hold one secret each, belong to one host, and no script can read them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from flask import Request, Response

from app.accounts.sessions import LONGEST
from app.kit.crypto import derive
from config.settings import Settings

_KNOWN_FOR = timedelta(days=180)


def name_of(settings: Settings, purpose: str) -> str:
    """Return the cookie's name; over TLS with the prefix that lets no other host set it."""
    plain = {"session": "terrace", "csrf": "terrace_csrf", "device": "terrace_device"}[purpose]
    return f"__Host-{plain}" if settings.secure else f"{plain}_session" if purpose == "session" else plain


def read(settings: Settings, request: Request, purpose: str) -> str:
    """Return the cookie's value, "" without one."""
    return request.cookies.get(name_of(settings, purpose), "")


def put(settings: Settings, response: Response, purpose: str, value: str, *, lasts: timedelta) -> None:
    """Set the cookie for this host only."""
    response.set_cookie(
        name_of(settings, purpose),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="Lax",
    )


def put_session(settings: Settings, response: Response, token: str) -> None:
    """Give the browser its session."""
    put(settings, response, "session", token, lasts=LONGEST)


def drop_session(settings: Settings, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(
        name_of(settings, "session"), path="/", secure=settings.secure, httponly=True, samesite="Lax"
    )


def put_device(settings: Settings, response: Response, *, tenant_id: UUID, user_id: UUID) -> None:
    """Remember that this person has signed in with this browser, so that strangers' tries do not slow them down."""
    put(settings, response, "device", _device(settings, tenant_id, user_id), lasts=_KNOWN_FOR)


def is_device_of(settings: Settings, value: str, *, tenant_id: UUID, user_id: UUID) -> bool:
    """Say whether the device cookie's `value` was given to this person."""
    return hmac.compare_digest(value.encode(), _device(settings, tenant_id, user_id).encode())


def _device(settings: Settings, tenant_id: UUID, user_id: UUID) -> str:
    key = derive(settings.secret_key, "accounts/device/v1")
    return hmac.digest(key, tenant_id.bytes + user_id.bytes, hashlib.sha256).hex()
