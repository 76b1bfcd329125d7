"""Puts the Host header into its one form before anything else reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tenants.resolver import normal_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Reserved by RFC 2606 §2: resolves to nothing and can be nobody's.
NOBODY = "nobody.invalid"


class OneHost:
    """WSGI middleware: a header that can name no host becomes a host that is nobody's.

    The framework's own parsing would answer some of them with 400 and fail on others; all must get the same 404.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = normal_host(environ.get("HTTP_HOST"))
        environ["terrace.host"] = host
        # Punycode is compared as it is written; the framework would try to decode it.
        if host is None or "xn--" in host:
            environ["HTTP_HOST"] = NOBODY
        return self._app(environ, start_response)
