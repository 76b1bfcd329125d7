"""Checkout sessions as the shop sees them: made, looked up, expired."""

from typing import Any

from stack.stripe import ids, lines, listing, money, ways
from stack.stripe.buying import details, end
from stack.stripe.call import Call, Obj
from stack.stripe.errors import Refused, unexpected
from stack.stripe.params import Params

_SHORTEST, _LONGEST = 30 * 60, 24 * 3_600
_STATES = ("open", "complete", "expired")


def _create(call: Call, params: Params, _key: str) -> Obj:
    mode = params.choice("mode", ("payment",))
    if mode is None:
        raise params.absent("mode")
    items = lines.read(call, params)
    code, total = items[0]["currency"], sum(line["amount_total"] for line in items)
    if total:
        money.check_total(total, code, "The Checkout Session's total amount due", "line_items")
    key = ids.make("cs_test_")
    session = {
        **_links(params),
        **_buyer(call, params),
        **_fixed(call),
        "id": key,
        "amount_subtotal": total,
        "amount_total": total,
        "client_reference_id": params.text("client_reference_id", longest=200),
        "currency": _currency(params, code),
        "expires_at": _expiry(call, params),
        "metadata": params.metadata(),
        "mode": mode,
        "payment_method_types": _methods(params, code),
        "payment_status": "unpaid" if total else "no_payment_required",
        "url": f"{call.site}/c/pay/{key}",
        "_line_items": items,
        "_intent": _intent_data(params),
    }
    call.appoint(session["expires_at"], "session.expire", key)
    return call.add(session)


def _links(params: Params) -> dict[str, Any]:
    params.choice("ui_mode", ("hosted_page",))
    success = params.address("success_url")
    if success is None:
        raise params.absent("success_url")
    return {"success_url": success, "cancel_url": params.address("cancel_url")}


def _buyer(call: Call, params: Params) -> dict[str, Any]:
    customer, email = params.text("customer"), params.email("customer_email")
    if customer and email:
        raise Refused("You may only specify one of these parameters: customer, customer_email.", param="customer_email")
    if customer:
        call.get("customer", customer, param="customer", status=400)
    return {
        "customer": customer,
        "customer_creation": params.choice("customer_creation", ("always", "if_required")) or "if_required",
        "customer_email": email,
        "customer_details": details(email) if email else None,
    }


def _fixed(call: Call) -> dict[str, Any]:
    absent = ("after_expiration", "allow_promotion_codes", "billing_address_collection", "collected_information")
    rest = ("client_secret", "consent", "consent_collection", "invoice", "payment_intent", "payment_link")
    return {
        "object": "checkout.session",
        **dict.fromkeys((*absent, *rest, "recovered_from", "setup_intent", "subscription")),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": call.now,
        "custom_fields": [],
        "discounts": [],
        "livemode": False,
        "payment_method_collection": "if_required",
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }


def _currency(params: Params, code: str) -> str:
    if params.has("currency") and money.currency(params) != code:
        raise Refused(f"The prices of this Checkout Session are in {code}.", param="currency")
    return code


def _expiry(call: Call, params: Params) -> int:
    at = params.whole("expires_at", low=0)
    if at is None:
        return call.now + _LONGEST
    if at < call.now + _SHORTEST:
        raise Refused(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at"
        )
    if at > call.now + _LONGEST:
        raise Refused(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at"
        )
    return at


def _methods(params: Params, code: str) -> list[str]:
    possible = ways.kinds(code)
    wanted = params.texts("payment_method_types") or possible
    for number, each in enumerate(wanted):
        if each not in possible:
            name = f"payment_method_types[{number}]"
            raise Refused(f"The payment method type provided: {each} is invalid for {code}.", param=name)
    return wanted


def _intent_data(params: Params) -> dict[str, Any]:
    given = params.hash("payment_intent_data")
    if given is None:
        return {}
    given.choice("capture_method", ("automatic", "automatic_async"))
    return {
        "description": given.text("description", longest=1_000),
        "metadata": given.metadata(),
        "receipt_email": given.email("receipt_email"),
        "statement_descriptor": given.text("statement_descriptor", longest=22),
        "statement_descriptor_suffix": given.text("statement_descriptor_suffix", longest=22),
    }


def _expire(call: Call, _params: Params, key: str) -> Obj:
    session = call.get("checkout.session", key)
    if session["status"] != "open":
        raise unexpected(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
            param="session",
        )
    return end(call, session)


def _update(call: Call, params: Params, key: str) -> Obj:
    session = call.get("checkout.session", key)
    session["metadata"] = params.metadata(session["metadata"])
    return call.save(session)


def _list(call: Call, params: Params, _key: str) -> Obj:
    status = params.choice("status", _STATES)
    conditions: list[listing.Condition] = [("json_extract(body, '$.status') = ?", [status])] if status else []
    buyer = params.hash("customer_details")
    email = buyer.email("email") if buyer else None
    if email:
        conditions.append(("json_extract(body, '$.customer_details.email') = ?", [email]))
    return listing.page(
        call,
        "checkout.session",
        params,
        "/v1/checkout/sessions",
        equal=["payment_intent", "customer"],
        conditions=conditions,
    )


def _items(call: Call, params: Params, key: str) -> Obj:
    params.whole("limit", low=1, high=100)
    url = f"/v1/checkout/sessions/{key}/line_items"
    return listing.whole(call.get("checkout.session", key)["_line_items"], url)


ROUTES = [
    ("POST", "/v1/checkout/sessions", _create),
    ("GET", "/v1/checkout/sessions", _list),
    ("GET", "/v1/checkout/sessions/<key>", listing.one("checkout.session")),
    ("POST", "/v1/checkout/sessions/<key>", _update),
    ("POST", "/v1/checkout/sessions/<key>/expire", _expire),
    ("GET", "/v1/checkout/sessions/<key>/line_items", _items),
]
