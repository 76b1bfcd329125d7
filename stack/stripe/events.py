"""Events: what happened to which object, kept for the API and addressed to the endpoints that asked for it."""

import time
from typing import Any

from stack.stripe import ids, listing
from stack.stripe.call import API_VERSION, Call, Obj, public
from stack.stripe.params import Params


def emit(call: Call, kind: str, obj: Obj, *, before: dict[str, Any] | None = None) -> None:
    """Record an event with the object as it is now, and a delivery for each endpoint that wants it."""
    data: dict[str, Any] = {"object": public(obj)}
    if before is not None:
        data["previous_attributes"] = before
    event = call.add(
        {
            "id": ids.make("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": call.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": call.request, "idempotency_key": call.key},
            "type": kind,
        }
    )
    for endpoint in reversed(_listening(call, kind)):
        for _ in range(1 + call.manners.duplicate):
            address(call, event, endpoint["id"])


def address(call: Call, event: Obj, endpoint: str, *, again: bool = False) -> str:
    """Put an event on its way to one endpoint and return the delivery's id. `again` does so whatever is dropped."""
    manners = call.manners
    dropped = not again and ("*" in manners.drop or event["type"] in manners.drop)
    due = call.now + (0 if again else manners.delay)
    key = ids.make("dlv_")
    call.db.execute(
        "INSERT INTO delivery (id, seq, account, event, endpoint, state, first_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (key, time.time_ns(), call.account, event["id"], endpoint, "dropped" if dropped else "waiting", due, due),
    )
    return key


def with_pending(call: Call, event: Obj) -> Obj:
    """Return the event with the number of endpoints that it has not reached yet."""
    (count,) = call.db.execute(
        "SELECT count(DISTINCT endpoint) FROM delivery WHERE account = ? AND event = ? AND state IN (?, ?)",
        (call.account, event["id"], "waiting", "sending"),
    ).fetchone()
    return {**event, "pending_webhooks": count}


def _listening(call: Call, kind: str) -> list[Obj]:
    enabled = call.where("webhook_endpoint", "status", "enabled")
    return [each for each in enabled if {"*", kind} & set(each["enabled_events"])]


def _retrieve(call: Call, _params: Params, key: str) -> Obj:
    return with_pending(call, call.get("event", key))


def _list(call: Call, params: Params, _key: str) -> Obj:
    wanted = params.texts("types")
    kind = params.text("type")
    reached = params.flag("delivery_success")
    conditions: list[listing.Condition] = []
    if wanted:
        conditions.append((f"json_extract(body, '$.type') IN ({', '.join('?' * len(wanted))})", wanted))
    if kind:
        conditions.append(("json_extract(body, '$.type') GLOB ?", [kind]))
    if reached is not None:
        lost = "EXISTS (SELECT 1 FROM delivery WHERE event = object.id AND state <> 'delivered')"
        conditions.append((f"NOT {lost}" if reached else lost, []))
    page = listing.page(call, "event", params, "/v1/events", conditions=conditions)
    page["data"] = [with_pending(call, event) for event in page["data"]]
    return page


ROUTES = [
    ("GET", "/v1/events", _list),
    ("GET", "/v1/events/<key>", _retrieve),
]
