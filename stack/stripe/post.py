"""One delivery over HTTP, to this machine and nowhere else."""

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from stack.stripe.endpoints import is_here

_KEPT = 500
_FINE = range(200, 300)


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: a status, or None when no answer came."""

    status: int | None
    said: str
    took_ms: int

    @property
    def fine(self) -> bool:
        """Tell whether the endpoint has taken the event; a redirect is no yes."""
        return self.status in _FINE


def post(url: str, body: bytes, signature: str, *, timeout: float) -> Outcome:
    """Send an event and return how that went."""
    began = time.monotonic()
    try:
        status, said = _send(url, body, signature, timeout)
    except (OSError, http.client.HTTPException) as error:
        status, said = None, f"{type(error).__name__}: {error}"
    return Outcome(status, said[:_KEPT], round((time.monotonic() - began) * 1000))


def _send(url: str, body: bytes, signature: str, timeout: float) -> tuple[int, str]:
    parts = urlsplit(url)
    if not is_here(url):
        raise OSError("not an address of this machine")
    host = parts.hostname or ""
    # Names under localhost are this machine to browsers, and not to every resolver.
    here = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(here, parts.port, timeout=timeout)
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+stand-in)",
        "Stripe-Signature": signature,
    }
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_KEPT).decode(errors="replace")
    finally:
        connection.close()
