"""Payment methods: what a buyer paid with."""

from typing import Any

from stack.stripe import ids
from stack.stripe.call import Call, Obj
from stack.stripe.ways import Way, kind_of


def new_method(call: Call, way: Way, code: str, who: dict[str, Any]) -> Obj:
    """Keep the payment method that a buyer has chosen."""
    kind = kind_of(way, code)
    return call.add(
        {
            "id": ids.make("pm_"),
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": {
                "address": {**dict.fromkeys(("city", "line1", "line2", "postal_code", "state")), "country": None},
                "email": who.get("email"),
                "name": who.get("name"),
                "phone": None,
                "tax_id": None,
            },
            kind: _card(way) if kind == "card" else {"country": "DE", "last4": way.last4},
            "created": call.now,
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
        }
    )


def details(method: Obj) -> dict[str, Any]:
    """Return what a charge tells of its payment method."""
    return {"type": method["type"], method["type"]: method[method["type"]]}


def _card(way: Way) -> dict[str, Any]:
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"fingerprint{way.last4}",
        "funding": "credit",
        "last4": way.last4,
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
