"""Payment intents and charges: from an attempt to money, a refusal, or neither for now."""

from typing import Any

from stack.stripe import ids
from stack.stripe.call import Call, Obj
from stack.stripe.events import emit
from stack.stripe.methods import details, new_method
from stack.stripe.ways import BANK_SAID_NO, Way


def new_intent(call: Call, amount: int, code: str, **given: Any) -> Obj:
    """Keep a payment intent that nobody has tried to pay yet."""
    key = ids.make("pi_")
    intent = {
        "id": key,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": ids.make(f"{key}_secret_"),
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": code,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        **given,
    }
    emit(call, "payment_intent.created", call.add(intent))
    return intent


def attempt(call: Call, intent: Obj, way: Way, who: dict[str, Any], *, authenticated: bool = False) -> None:
    """Try to pay: the intent then has succeeded, is processing, asks for more, or waits for another method."""
    method = new_method(call, way, intent["currency"], who)
    intent["last_payment_error"] = None
    if way.error:
        refuse(call, intent, method, way.error)
    elif way.authenticates and not authenticated:
        intent["payment_method"] = method["id"]
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        _move(call, intent, "requires_action", "payment_intent.requires_action")
    elif way.delayed:
        charge = _new_charge(call, intent, method, "pending")
        intent.update(payment_method=method["id"], latest_charge=charge["id"], next_action=None)
        intent["_settles"] = way.settles
        _move(call, intent, "processing", "payment_intent.processing")
        emit(call, "charge.pending", charge)
        call.appoint(call.now + call.manners.settle_after, "payment.settle", intent["id"])
    else:
        charge = _new_charge(call, intent, method, "succeeded")
        intent.update(payment_method=method["id"], latest_charge=charge["id"])
        _succeed(call, intent, charge)


def refuse(call: Call, intent: Obj, method: Obj, error: tuple[str, str | None, str]) -> None:
    """Let an attempt fail, and the buyer choose another method."""
    code, finer, message = error
    charge = None
    if intent["status"] != "requires_action":
        charge = _new_charge(call, intent, method, "failed", error)
        intent["latest_charge"] = charge["id"]
        emit(call, "charge.failed", charge)
    reason = {"charge": charge["id"] if charge else None, "code": code, "decline_code": finer, "message": message}
    filled = {name: value for name, value in reason.items() if value}
    intent["last_payment_error"] = {**filled, "payment_method": method, "type": "card_error"}
    intent.update(payment_method=None, next_action=None)
    _move(call, intent, "requires_payment_method", "payment_intent.payment_failed")


def settle(call: Call, intent: Obj) -> bool:
    """End a delayed payment and tell whether the money came."""
    charge = call.get("charge", intent["latest_charge"])
    if intent["_settles"]:
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        charge["outcome"] = _outcome(None)
        _succeed(call, intent, call.save(charge))
        return True
    code, finer, message = BANK_SAID_NO
    charge.update(status="failed", failure_code=code, failure_message=message, outcome=_outcome(finer))
    emit(call, "charge.failed", call.save(charge))
    method = call.get("payment_method", intent["payment_method"])
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": code,
        "decline_code": finer,
        "message": message,
        "payment_method": method,
        "type": "invalid_request_error",
    }
    intent["payment_method"] = None
    _move(call, intent, "requires_payment_method", "payment_intent.payment_failed")
    return False


def cancel(call: Call, intent: Obj, reason: str | None) -> Obj:
    """Give a payment up."""
    intent.update(canceled_at=call.now, cancellation_reason=reason, next_action=None)
    _move(call, intent, "canceled", "payment_intent.canceled")
    return intent


def _succeed(call: Call, intent: Obj, charge: Obj) -> None:
    intent.update(amount_received=intent["amount"], next_action=None, last_payment_error=None)
    emit(call, "charge.succeeded", charge)
    _move(call, intent, "succeeded", "payment_intent.succeeded")


def _move(call: Call, intent: Obj, status: str, event: str) -> None:
    intent["status"] = status
    emit(call, event, call.save(intent))


def _new_charge(
    call: Call, intent: Obj, method: Obj, status: str, error: tuple[str, str | None, str] | None = None
) -> Obj:
    paid = status == "succeeded"
    code, finer, message = error or (None, None, None)
    charge = {
        "id": ids.make("py_" if method["type"] != "card" else "ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "TEST",
        "captured": paid,
        "created": call.now,
        "disputed": False,
        "failure_code": code,
        "failure_message": message,
        "fraud_details": {},
        "livemode": False,
        "outcome": _outcome(finer or code),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details(method),
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "shipping": None,
        "status": status,
    }
    same = ("currency", "customer", "description", "metadata", "receipt_email", "statement_descriptor")
    return call.add({**charge, **{name: intent[name] for name in same}})


def _outcome(reason: str | None) -> dict[str, Any]:
    return {
        "network_status": "declined_by_network" if reason else "approved_by_network",
        "reason": reason,
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details." if reason else "Payment complete.",
        "type": "issuer_declined" if reason else "authorized",
    }
