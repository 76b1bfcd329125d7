"""Requests that a browser sends on behalf of another site are refused here, in one place.

Every unsafe request that a cookie could authenticate must come from this very origin, as far as the browser tells, and
carry a token. The token is a MAC: of the session's cookie for those who are signed in, so it is bound to session and
tenant; of a random cookie and the host for everybody else. JSON addresses take a bearer token, or the cookie with the
token in a header, and never the content types that a plain form can send.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request
from typing_extensions import override

from app.accounts import cookies, opaque
from app.accounts.errors import CrossSite
from app.kit.crypto import derive
from app.kit.errors import UnsupportedMedia
from config.settings import Settings
from tenants.resolver import normal_host

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SIMPLE = frozenset({"text/plain", "application/x-www-form-urlencoded"})
# Browsers send these reports by themselves, without a token; they change nothing.
_REPORTS = frozenset({"/csp-report"})
_LASTS = timedelta(days=1)
_TOO_OLD = "Load the page again and repeat what you did."


class PageToken:
    """The token of the page that is being rendered; making it sets the cookie it belongs to."""

    @override
    def __str__(self) -> str:
        settings = _settings()
        session = cookies.read(settings, request, "session")
        if opaque.tenant_of(opaque.SESSION, session):
            return _mac(settings, "session", session)
        if "csrf_secret" not in g:
            g.csrf_secret = cookies.read(settings, request, "csrf") or secrets.token_urlsafe(32)
        return _mac(settings, "page", _here(), g.csrf_secret)


def install(app: Flask) -> None:
    """Guard every unsafe request of `app`."""
    app.before_request(_guard)
    app.after_request(_keep_secret)


def _guard() -> None:
    g.csrf_token = PageToken()
    if request.method in _SAFE or request.path in _REPORTS:
        return
    if request.path.startswith("/api/"):
        _guard_api(request)
    else:
        _require_origin(request)
        _require_token(request, request.headers.get(HEADER) or request.form.get(FIELD, ""))


def _guard_api(req: Request) -> None:
    if req.mimetype in _SIMPLE:
        raise UnsupportedMedia("Send application/json.")
    if "Authorization" in req.headers or not cookies.read(_settings(), req, "session"):
        return
    _require_origin(req)
    _require_token(req, req.headers.get(HEADER, ""))


def _require_origin(req: Request) -> None:
    # Workspaces are one site to a browser, so "same-site" is another company.
    if req.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CrossSite(_TOO_OLD)
    origin = req.headers.get("Origin")
    if origin is None:
        return
    parts = urlsplit(origin) if origin.isprintable() else None
    if parts is None or parts.netloc.lower() != req.host.lower() or parts.scheme != _settings().scheme:
        raise CrossSite(_TOO_OLD)


def _require_token(req: Request, sent: str) -> None:
    settings = _settings()
    session = cookies.read(settings, req, "session")
    secret = cookies.read(settings, req, "csrf")
    good = []
    if opaque.tenant_of(opaque.SESSION, session):
        good.append(_mac(settings, "session", session))
    elif secret:
        good.append(_mac(settings, "page", _here(), secret))
    if not any(hmac.compare_digest(sent.encode("utf-8", "replace"), one.encode()) for one in good):
        raise CrossSite(_TOO_OLD)


def _keep_secret(response: Response) -> Response:
    secret = g.get("csrf_secret")
    if secret is not None:
        cookies.put(_settings(), response, "csrf", secret, lasts=_LASTS)
    return response


def _mac(settings: Settings, *parts: str) -> str:
    key = derive(settings.secret_key, "accounts/csrf/v1")
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(key, text.encode("utf-8", "replace"), hashlib.sha256).hex()


def _here() -> str:
    return normal_host(request.environ.get("HTTP_HOST")) or ""


def _settings() -> Settings:
    runtime: Any = current_app.extensions["terrace"]
    settings: Settings = runtime.settings
    return settings
