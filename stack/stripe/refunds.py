"""Refunds: money back, at once, later, or not after all."""

from stack.stripe import ids, listing, money
from stack.stripe.call import Call, Obj
from stack.stripe.customers import changed
from stack.stripe.errors import Refused, unexpected
from stack.stripe.events import emit
from stack.stripe.params import Params

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def _create(call: Call, params: Params, _key: str) -> Obj:
    charge = _charge(call, params)
    rest = charge["amount"] - charge["amount_refunded"]
    wanted = params.whole("amount", low=1)
    reason, metadata = params.choice("reason", _REASONS), params.metadata()
    params.email("instructions_email")
    params.text("currency")
    if charge["disputed"]:
        raise unexpected(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if rest == 0:
        raise unexpected(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = rest if wanted is None else wanted
    if amount > rest:
        which = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        code = charge["currency"]
        raise unexpected(
            f"Refund amount ({money.shown(amount, code)}) is greater than {which} ({money.shown(rest, code)})",
            param="amount",
        )
    return _refund(call, charge, amount, reason=reason, metadata=metadata)


def _charge(call: Call, params: Params) -> Obj:
    charge, intent = params.text("charge"), params.text("payment_intent")
    if charge:
        found = call.get("charge", charge, param="charge", status=400)
        if intent and found["payment_intent"] != intent:
            raise Refused("The charge does not belong to the payment_intent.", param="charge")
    elif intent:
        latest = call.get("payment_intent", intent, param="payment_intent", status=400)["latest_charge"]
        found = call.get("charge", latest) if latest else {"id": intent, "status": "missing"}
    else:
        raise Refused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if found["status"] != "succeeded":
        raise unexpected(
            f"This PaymentIntent ({intent or found['payment_intent']}) does not have a successful charge to refund."
        )
    return found


def _refund(call: Call, charge: Obj, amount: int, *, reason: str | None, metadata: dict[str, str]) -> Obj:
    ending = _ending(call, charge)
    refund = call.add(
        {
            "id": ids.make("re_" if charge["id"].startswith("ch_") else "pyr_"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": call.now,
            "currency": charge["currency"],
            "destination_details": {"type": charge["payment_method_details"]["type"]},
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "pending_reason": "processing" if ending.startswith("pending") else None,
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": ending.partition("_")[0],
            "transfer_reversal": None,
            "_ends": ending.rpartition("_")[2],
        }
    )
    if ending != "succeeded":
        call.appoint(call.now + call.manners.settle_after, "refund.settle", refund["id"])
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    emit(call, "refund.created", refund)
    emit(call, "charge.refunded", call.save(charge), before=before)
    return refund


def _ending(call: Call, charge: Obj) -> str:
    queue = call.manners.next_refunds
    if queue:
        call.behave(next_refunds=queue[1:])
    ending = queue[0] if queue else call.manners.refund
    if ending != "by_method":
        return ending
    return "succeeded" if charge["payment_method_details"]["type"] == "card" else "pending_then_succeeded"


def _settle(call: Call, key: str) -> None:
    refund = call.get("refund", key)
    before = {"status": refund["status"]}
    refund.update(status=refund["_ends"], pending_reason=None)
    if refund["status"] == "failed":
        refund["failure_reason"] = "expired_or_canceled_card"
        charge = call.get("charge", refund["charge"])
        # The money is the seller's again, and may be sent back in another way.
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        emit(call, "charge.updated", call.save(charge))
    call.save(refund)
    for event in ("refund.updated", "charge.refund.updated"):
        emit(call, event, refund, before=before)
    if refund["status"] == "failed":
        emit(call, "refund.failed", refund)


def _update(call: Call, params: Params, key: str) -> Obj:
    refund = call.get("refund", key)
    return changed(call, "refund.updated", refund, {"metadata": params.metadata(refund["metadata"])})


def _list(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "refund", params, "/v1/refunds", equal=["payment_intent", "charge"])


ROUTES = [
    ("POST", "/v1/refunds", _create),
    ("GET", "/v1/refunds", _list),
    ("GET", "/v1/refunds/<key>", listing.one("refund")),
    ("POST", "/v1/refunds/<key>", _update),
]
APPOINTMENTS = {"refund.settle": _settle}
