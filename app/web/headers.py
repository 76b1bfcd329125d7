"""The security headers of every answer: pages, fragments, JSON, errors and static files alike."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import g
from markupsafe import Markup
from typing_extensions import override

if TYPE_CHECKING:
    from flask import Response

REPORT_PATH = "/csp-report"
YEAR = 31_536_000

_CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
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
)
_FIXED_HTTPS = (*_FIXED, ("Strict-Transport-Security", f"max-age={2 * YEAR}; includeSubDomains"))
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


def secure(response: Response, *, https: bool = False, forms: str = "'self'") -> Response:
    """Set every security header on `response` and return it.

    A view may have set `Cache-Control` itself; else nobody but the browser of this person keeps the answer.
    `forms` lists where a form of this answer may end after redirects (sign-up ends on another host).
    """
    headers = response.headers
    present = {name.lower(): value for name, value in headers}
    headers["Content-Security-Policy"] = _CSP.format(nonce=nonce(), forms=forms)
    # All at once: to ask for and to set one header after the other is most of what a small answer costs.
    headers.extend((name, value) for name, value in (_FIXED_HTTPS if https else _FIXED) if name.lower() not in present)
    if "public" in present.get("cache-control", ""):
        return response
    if "vary" in present:
        response.vary.update(_VARY)
    else:
        headers.add("Vary", ", ".join(_VARY))
    return response
