"""Checkout sessions as the buyer moves them: paid, half paid, refused, or left until they expire."""

from typing import Any

from stack.stripe import ids, payments, ways
from stack.stripe.call import Call, Obj
from stack.stripe.events import emit
from stack.stripe.ways import Way

_GIVEN_UP = ("requires_payment_method", "requires_action")


class Closed(Exception):
    """The buyer pays at a checkout that is not open any more."""


def pay(call: Call, session: Obj, way: Way, *, email: str | None, name: str | None) -> Obj | None:
    """Let the buyer try to pay and return the payment intent, or None when nothing was to be paid.

    Raises Closed.
    """
    _only_open(session)
    session["customer_details"] = details(email or session["customer_email"], name)
    if session["payment_status"] == "no_payment_required":
        _complete(call, session, "no_payment_required")
        return None
    intent = _intent(call, session)
    payments.attempt(call, intent, way, {"email": email, "name": name})
    _follow(call, session, intent)
    return intent


def authenticate(call: Call, session: Obj, *, passed: bool) -> Obj:
    """End the 3-D Secure step of a payment. Raises Closed."""
    _only_open(session)
    intent = call.get("payment_intent", session["payment_intent"])
    if intent["status"] != "requires_action":
        raise Closed("Nothing is to be authenticated.")
    way, who = ways.WAYS["authenticate"], session["customer_details"]
    if passed:
        payments.attempt(call, intent, way, who, authenticated=True)
    else:
        method = call.get("payment_method", intent["payment_method"])
        payments.refuse(call, intent, method, ways.NOT_AUTHENTICATED)
    _follow(call, session, intent)
    return intent


def _only_open(session: Obj) -> None:
    if session["status"] == "complete":
        raise Closed("This checkout is complete; nothing more is to be paid.")
    if session["status"] == "expired":
        raise Closed("This checkout has expired; go back to the shop and start again.")


def _intent(call: Call, session: Obj) -> Obj:
    if session["payment_intent"]:
        return call.get("payment_intent", session["payment_intent"])
    intent = payments.new_intent(
        call,
        session["amount_total"],
        session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        _session=session["id"],
        **session["_intent"],
    )
    session["payment_intent"] = intent["id"]
    return intent


def _follow(call: Call, session: Obj, intent: Obj) -> None:
    """Let the session go where its payment has gone."""
    if intent["status"] == "succeeded":
        _complete(call, session, "paid")
    elif intent["status"] == "processing":
        _complete(call, session, "unpaid")
    else:
        call.save(session)


def _complete(call: Call, session: Obj, payment_status: str) -> None:
    session.update(status="complete", payment_status=payment_status, url=None)
    if session["customer_creation"] == "always" and not session["customer"]:
        session["customer"] = _new_customer(call, session["customer_details"])
    emit(call, "checkout.session.completed", call.save(session))


def _new_customer(call: Call, who: dict[str, Any]) -> str:
    customer = {"id": ids.make("cus_"), "object": "customer", "created": call.now, "livemode": False, "metadata": {}}
    customer |= {"address": None, "description": None, "email": who["email"], "name": who["name"], "phone": None}
    emit(call, "customer.created", call.add(customer))
    return str(customer["id"])


def _settle(call: Call, key: str) -> None:
    intent = call.get("payment_intent", key)
    paid = payments.settle(call, intent)
    session = call.find("checkout.session", intent.get("_session", ""))
    if session is not None:
        session["payment_status"] = "paid" if paid else "unpaid"
        ending = "succeeded" if paid else "failed"
        emit(call, f"checkout.session.async_payment_{ending}", call.save(session))


def end(call: Call, session: Obj) -> Obj:
    """Let an open session expire, and its payment be given up."""
    session.update(status="expired", url=None)
    if session["payment_intent"]:
        intent = call.get("payment_intent", session["payment_intent"])
        if intent["status"] in _GIVEN_UP:
            payments.cancel(call, intent, "automatic")
    emit(call, "checkout.session.expired", call.save(session))
    return session


def _expire_in_time(call: Call, key: str) -> None:
    session = call.find("checkout.session", key)
    if session and session["status"] == "open":
        end(call, session)


def details(email: str | None, name: str | None = None) -> dict[str, Any]:
    """Return what a session tells of its buyer."""
    return {"address": None, "email": email, "name": name, "phone": None, "tax_exempt": "none", "tax_ids": None}


APPOINTMENTS = {"session.expire": _expire_in_time, "payment.settle": _settle}
