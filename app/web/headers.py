"""The security headers of every answer: pages, fragments, JSON, errors and static files alike."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import g
from markupsafe import Markup
from typing_extensions import override

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Response

REPORT_PATH = "/csp-report"
YEAR = 31_536_000

_CSP = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action {forms}; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types htmx; "
    "report-uri " + REPORT_PATH
)
_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)
_FIXED = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Permissions-Policy", _PERMISSIONS),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "private, no-store"),
    ("Content-Security-Policy", _CSP.format(scripts="'none'", forms="'self'")),
)
_HSTS = ("Strict-Transport-Security", f"max-age={2 * YEAR}; includeSubDomains")
_VARY = ("Cookie", "Authorization", "HX-Request")


def nonce() -> str:
    """Return the nonce of this answer: 144 random bits, the same for every call in one request."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    value: str = g.csp_nonce
    return value


class HxNonce:
    """What `{{ hx }}` writes: the mark without which an element's hx-* attributes are stripped."""

    def __html__(self) -> Markup:
        return Markup('hx-nonce="{}"').format(nonce())

    @override
    def __str__(self) -> str:
        return str(self.__html__())


def page_policy(response: Response) -> Response:
    """Give an answer that carries a nonce the policy with that nonce; for `after_request`.

    A view may say where a form of its page may end after redirects (sign-up ends on another host).
    """
    if "csp_nonce" in g or "csp_forms" in g:
        policy = _CSP.format(scripts=f"'nonce-{nonce()}'", forms=g.get("csp_forms", "'self'"))
        response.headers["Content-Security-Policy"] = policy
    return response


class SecureHeaders:
    """WSGI middleware: puts on every answer the security headers that it does not bring itself.

    Here and not in Flask, whose headers are checked and copied one by one: that was most of what a small answer cost.
    """

    def __init__(self, app: WSGIApplication, *, https: bool = False) -> None:
        fixed = (*_FIXED, *([_HSTS] if https else []))
        self._app = app
        self._fixed = [(name.lower(), (name, value)) for name, value in fixed]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            return start_response(status, self._completed(headers), *failure)

        return self._app(environ, start)

    def _completed(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        present = {name.lower(): value for name, value in headers}
        found = [*headers, *(pair for name, pair in self._fixed if name not in present)]
        # A view may have set `Cache-Control` itself; else nobody but the browser of this person keeps the answer.
        if "public" in present.get("cache-control", ""):
            return found
        if "vary" not in present:
            return [*found, ("Vary", ", ".join(_VARY))]
        varies = dict.fromkeys([*(word.strip() for word in present["vary"].split(",")), *_VARY])
        return [*(pair for pair in found if pair[0].lower() != "vary"), ("Vary", ", ".join(varies))]
