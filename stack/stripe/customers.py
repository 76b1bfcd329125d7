"""Customers, and the account itself."""

from typing import Any

from stack.stripe import ids, listing
from stack.stripe.call import Call, Obj
from stack.stripe.events import emit
from stack.stripe.params import Params

_TEXTS = ("name", "description", "phone")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def _create(call: Call, params: Params, _key: str) -> Obj:
    customer = {
        "id": ids.make("cus_"),
        "object": "customer",
        "address": _address(params, None),
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "email": params.email("email"),
        "invoice_prefix": ids.make("")[:8].upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": False,
        "metadata": params.metadata(),
        "next_invoice_sequence": 1,
        "preferred_locales": params.texts("preferred_locales") or [],
        "shipping": None,
        "tax_exempt": params.choice("tax_exempt", ("none", "exempt", "reverse")) or "none",
        "test_clock": None,
        **{name: params.text(name) for name in _TEXTS},
    }
    emit(call, "customer.created", call.add(customer))
    return customer


def _update(call: Call, params: Params, key: str) -> Obj:
    customer = call.get("customer", key)
    wishes: dict[str, Any] = {name: params.clearable(name, customer[name]) for name in _TEXTS}
    wishes["email"] = params.email("email") or customer["email"]
    wishes["address"] = _address(params, customer["address"])
    wishes["metadata"] = params.metadata(customer["metadata"])
    return changed(call, "customer.updated", customer, wishes)


def _delete(call: Call, params: Params, key: str) -> Obj:
    customer = call.get("customer", key)
    call.remove(customer)
    emit(call, "customer.deleted", customer)
    return {"id": key, "object": "customer", "deleted": True}


def _list(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "customer", params, "/v1/customers", equal=["email"])


def changed(call: Call, event: str, obj: Obj, wishes: dict[str, Any]) -> Obj:
    """Save what differs and tell of it; nothing is told when nothing differs."""
    before = {name: obj[name] for name, value in wishes.items() if obj[name] != value}
    obj.update(wishes)
    if before:
        emit(call, event, call.save(obj), before=before)
    return obj


def _address(params: Params, before: dict[str, Any] | None) -> dict[str, Any] | None:
    if params.raw("address") == "":
        return None
    given = params.hash("address")
    return {name: given.text(name) for name in _ADDRESS} if given else before


def _account(call: Call, params: Params, _key: str) -> Obj:
    return {
        "id": f"acct_{call.account}",
        "object": "account",
        "business_profile": {"name": call.account, "url": None},
        "charges_enabled": True,
        "country": "DE",
        "created": 0,
        "default_currency": "eur",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "type": "standard",
    }


ROUTES = [
    ("GET", "/v1/account", _account),
    ("POST", "/v1/customers", _create),
    ("GET", "/v1/customers", _list),
    ("GET", "/v1/customers/<key>", listing.one("customer")),
    ("POST", "/v1/customers/<key>", _update),
    ("DELETE", "/v1/customers/<key>", _delete),
]
