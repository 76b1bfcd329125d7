"""Disputes: a buyer asks the bank for the money back. They begin and end through the control door only."""

from stack.stripe import ids, listing
from stack.stripe.call import Call, Obj
from stack.stripe.errors import unexpected
from stack.stripe.events import emit
from stack.stripe.params import Params

_DAYS_TO_ANSWER = 7
_DAY = 86_400


def open_dispute(call: Call, charge_key: str, *, reason: str) -> Obj:
    """Begin a dispute over a whole charge. Raises Refused."""
    charge = call.get("charge", charge_key, param="charge")
    if charge["disputed"] or charge["status"] != "succeeded":
        raise unexpected(f"Charge {charge_key} cannot be disputed.")
    dispute = call.add(
        {
            "id": ids.make("du_"),
            "object": "dispute",
            "amount": charge["amount"],
            "balance_transactions": [],
            "charge": charge_key,
            "created": call.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {
                "due_by": call.now + _DAYS_TO_ANSWER * _DAY,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        }
    )
    charge["disputed"] = True
    call.save(charge)
    emit(call, "charge.dispute.created", dispute)
    emit(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(call: Call, key: str, *, won: bool) -> Obj:
    """End a dispute. Raises Refused."""
    dispute = call.get("dispute", key)
    dispute["status"] = "won" if won else "lost"
    call.save(dispute)
    if won:
        emit(call, "charge.dispute.funds_reinstated", dispute)
    emit(call, "charge.dispute.closed", dispute)
    return dispute


def _list(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "dispute", params, "/v1/disputes", equal=["charge", "payment_intent"])


ROUTES = [
    ("GET", "/v1/disputes", _list),
    ("GET", "/v1/disputes/<key>", listing.one("dispute")),
]
