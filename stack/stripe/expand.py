"""`expand[]`: ids replaced by the objects they name, and lists that are shown only to who asks."""

from collections.abc import Sequence
from typing import Any

from stack.stripe import listing
from stack.stripe.call import Call, Obj
from stack.stripe.errors import Refused

# Which fields of a type hold the id of what.
LINKS = {
    "checkout.session": {"payment_intent": "payment_intent", "customer": "customer"},
    "payment_intent": {"latest_charge": "charge", "customer": "customer", "payment_method": "payment_method"},
    "charge": {"payment_intent": "payment_intent", "customer": "customer"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "price": {"product": "product"},
    "product": {"default_price": "price"},
}
_DEEPEST = 4


def expanded(call: Call, obj: Obj, paths: Sequence[str]) -> Obj:
    """Return the object with what the paths name. Raises Refused for a path that leads nowhere."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise Refused(f"You cannot expand more than {_DEEPEST} levels of a property ({path}).", param="expand")
        obj = _open(call, obj, parts, path)
    return obj


def _open(call: Call, obj: Obj, parts: Sequence[str], path: str) -> Obj:
    if not parts:
        return obj
    name, rest = parts[0], parts[1:]
    if obj.get("object") == "list":
        if name != "data":
            raise _nowhere(path, hint=f" You may want to try expanding 'data.{path}' instead.")
        return {**obj, "data": [_open(call, each, rest, path) for each in obj["data"]]}
    return {**obj, name: _shown(call, obj, name, rest, path)}


def _shown(call: Call, obj: Obj, name: str, rest: Sequence[str], path: str) -> Any:
    kind = obj.get("object", "")
    value = obj.get(name)
    if isinstance(value, dict):
        return _open(call, value, rest, path)
    if (kind, name) == ("checkout.session", "line_items"):
        return _open(
            call, listing.whole(obj["_line_items"], f"/v1/checkout/sessions/{obj['id']}/line_items"), rest, path
        )
    if (kind, name) == ("charge", "refunds"):
        refunds = call.where("refund", "charge", obj["id"])
        return _open(call, listing.whole(refunds, f"/v1/charges/{obj['id']}/refunds"), rest, path)
    if name not in LINKS.get(kind, {}):
        raise _nowhere(path)
    found = call.find(LINKS[kind][name], value) if value else None
    return _open(call, found, rest, path) if found else value


def _nowhere(path: str, hint: str = "") -> Refused:
    return Refused(f"This property cannot be expanded ({path}).{hint}", param="expand")
