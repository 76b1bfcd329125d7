"""Payment intents, charges and payment methods as the shop sees them."""

from stack.stripe import listing, money
from stack.stripe.call import Call, Obj
from stack.stripe.customers import changed
from stack.stripe.errors import Refused, unexpected
from stack.stripe.params import Params
from stack.stripe.payments import attempt, cancel, new_intent
from stack.stripe.ways import TEST_METHODS, WAYS

_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def _create(call: Call, params: Params, _key: str) -> Obj:
    code = money.currency(params)
    amount = params.whole("amount", low=1)
    if amount is None:
        raise params.absent("amount")
    money.check_step(amount, code, "amount")
    money.check_total(amount, code, "Amount", "amount")
    customer = params.text("customer")
    intent = new_intent(
        call,
        amount,
        code,
        customer=call.get("customer", customer, param="customer", status=400)["id"] if customer else None,
        description=params.text("description", longest=1_000),
        metadata=params.metadata(),
        receipt_email=params.email("receipt_email"),
        payment_method_types=params.texts("payment_method_types") or ["card"],
    )
    automatic = params.hash("automatic_payment_methods")
    if automatic:
        intent["automatic_payment_methods"] = {"enabled": automatic.flag("enabled"), "allow_redirects": "always"}
        automatic.text("allow_redirects")
    call.save(intent)
    return _confirm(call, params, intent["id"]) if params.flag("confirm") else intent


def _confirm(call: Call, params: Params, key: str) -> Obj:
    intent = call.get("payment_intent", key)
    name = params.required("payment_method")
    params.text("return_url")
    if name not in TEST_METHODS:
        raise Refused(f"No such PaymentMethod: '{name}'", code="resource_missing", param="payment_method")
    if "_session" in intent or intent["status"] not in _CONFIRMABLE:
        raise unexpected(
            f"This PaymentIntent's status is {intent['status']}; it cannot be confirmed.",
            code="payment_intent_unexpected_state",
        )
    attempt(call, intent, WAYS[TEST_METHODS[name]], {})
    return intent


def _update(call: Call, params: Params, key: str) -> Obj:
    intent = call.get("payment_intent", key)
    intent["metadata"] = params.metadata(intent["metadata"])
    intent["description"] = params.clearable("description", intent["description"], longest=1_000)
    return call.save(intent)


def _cancel(call: Call, params: Params, key: str) -> Obj:
    intent = call.get("payment_intent", key)
    reason = params.choice("cancellation_reason", _REASONS)
    if "_session" in intent:
        raise unexpected(
            "You cannot cancel this PaymentIntent because it was created by a Checkout Session. "
            "Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
        )
    if intent["status"] not in _CANCELABLE:
        raise unexpected(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(_CANCELABLE)}.",
            code="payment_intent_unexpected_state",
        )
    return cancel(call, intent, reason)


def _list(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "payment_intent", params, "/v1/payment_intents", equal=["customer"])


def _update_charge(call: Call, params: Params, key: str) -> Obj:
    charge = call.get("charge", key)
    return changed(call, "charge.updated", charge, {"metadata": params.metadata(charge["metadata"])})


def _list_charges(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "charge", params, "/v1/charges", equal=["payment_intent", "customer"])


ROUTES = [
    ("POST", "/v1/payment_intents", _create),
    ("GET", "/v1/payment_intents", _list),
    ("GET", "/v1/payment_intents/<key>", listing.one("payment_intent")),
    ("POST", "/v1/payment_intents/<key>", _update),
    ("POST", "/v1/payment_intents/<key>/confirm", _confirm),
    ("POST", "/v1/payment_intents/<key>/cancel", _cancel),
    ("GET", "/v1/charges", _list_charges),
    ("GET", "/v1/charges/<key>", listing.one("charge")),
    ("POST", "/v1/charges/<key>", _update_charge),
    ("GET", "/v1/payment_methods/<key>", listing.one("payment_method")),
]
