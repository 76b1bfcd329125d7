"""Webhook endpoints: where an account wants its events, each with a secret of its own, all of them on this machine."""

import ipaddress
import re
from urllib.parse import urlsplit

from stack.stripe import ids, listing
from stack.stripe.call import Call, Obj
from stack.stripe.errors import Refused
from stack.stripe.params import Params

_EVENT = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")
_MOST = 16


def is_here(url: str) -> bool:
    """Tell whether an address leads to this machine, judged by its name alone."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secrets_of(call: Call, endpoint: str) -> list[str]:
    """Return the secrets with which a delivery is signed now, the newest first."""
    rows = call.db.execute(
        "SELECT secret FROM secret WHERE endpoint = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY rowid DESC",
        (endpoint, call.now),
    )
    return [row["secret"] for row in rows]


def roll(call: Call, endpoint: str, *, expires_in: int) -> str:
    """Give the endpoint a new secret; the old ones sign along for so many seconds. Raises Refused."""
    call.get("webhook_endpoint", endpoint)
    call.db.execute(
        "UPDATE secret SET expires_at = ? WHERE endpoint = ? AND expires_at IS NULL", (call.now + expires_in, endpoint)
    )
    return _new_secret(call, endpoint)


def _new_secret(call: Call, endpoint: str) -> str:
    made = ids.make("whsec_")
    call.db.execute("INSERT INTO secret (endpoint, secret) VALUES (?, ?)", (endpoint, made))
    return made


def _url(params: Params) -> str | None:
    url = params.address("url")
    if url is not None and not is_here(url):
        raise Refused(
            "Invalid URL: this stand-in for Stripe sends events to this machine only "
            "(localhost, *.localhost, 127.0.0.0/8, ::1).",
            code="url_invalid",
            param="url",
        )
    return url


def _wanted(params: Params) -> list[str] | None:
    events = params.texts("enabled_events")
    for number, each in enumerate(events or []):
        if not _EVENT.fullmatch(each):
            name = f"enabled_events[{number}]"
            raise Refused(f"Invalid {name}: must be the name of an event, or *", param=name)
    return events


def _create(call: Call, params: Params, _key: str) -> Obj:
    url, events = _url(params), _wanted(params)
    if url is None:
        raise params.absent("url")
    if not events:
        raise params.absent("enabled_events")
    endpoint: Obj = {
        "id": ids.make("we_"),
        "object": "webhook_endpoint",
        "api_version": params.text("api_version"),
        "application": None,
        "created": call.now,
        "description": params.text("description"),
        "enabled_events": events,
        "livemode": False,
        "metadata": params.metadata(),
        "status": "enabled",
        "url": url,
    }
    if len(listing.page(call, "webhook_endpoint", Params({"limit": str(_MOST)}), "")["data"]) == _MOST:
        raise Refused(f"You have reached the maximum of {_MOST} test webhook endpoints.")
    call.add(endpoint)
    return {**endpoint, "secret": _new_secret(call, endpoint["id"])}


def _update(call: Call, params: Params, key: str) -> Obj:
    endpoint = call.get("webhook_endpoint", key)
    disabled = params.flag("disabled")
    endpoint["url"] = _url(params) or endpoint["url"]
    endpoint["enabled_events"] = _wanted(params) or endpoint["enabled_events"]
    endpoint["description"] = params.clearable("description", endpoint["description"])
    endpoint["metadata"] = params.metadata(endpoint["metadata"])
    if disabled is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    return call.save(endpoint)


def _delete(call: Call, params: Params, key: str) -> Obj:
    endpoint = call.get("webhook_endpoint", key)
    call.remove(endpoint)
    call.db.execute("DELETE FROM secret WHERE endpoint = ?", (key,))
    return {"id": key, "object": "webhook_endpoint", "deleted": True}


def _list(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "webhook_endpoint", params, "/v1/webhook_endpoints")


ROUTES = [
    ("POST", "/v1/webhook_endpoints", _create),
    ("GET", "/v1/webhook_endpoints", _list),
    ("GET", "/v1/webhook_endpoints/<key>", listing.one("webhook_endpoint")),
    ("POST", "/v1/webhook_endpoints/<key>", _update),
    ("DELETE", "/v1/webhook_endpoints/<key>", _delete),
]
