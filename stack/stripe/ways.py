"""The ways to pay that the payment page offers, one for each end that a payment can have."""

from dataclasses import dataclass

_DELAYED = {"eur": "sepa_debit", "gbp": "bacs_debit", "usd": "us_bank_account"}


@dataclass(frozen=True)
class Way:
    """A card or account of the tests."""

    name: str
    label: str
    last4: str
    # The card network's answer when it says no: code, finer code, sentence for the buyer.
    error: tuple[str, str | None, str] | None = None
    authenticates: bool = False
    # A bank debit, which ends later; `settles` says how.
    delayed: bool = False
    settles: bool = True


NOT_AUTHENTICATED = (
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. Choose a different payment method and try again.",
)
BANK_SAID_NO = ("payment_intent_payment_attempt_failed", "generic_decline", "The bank did not honour the debit.")

WAYS = {
    way.name: way
    for way in (
        Way("accepted", "Card that is accepted", "4242"),
        Way("authenticate", "Card that asks for 3-D Secure", "3155", authenticates=True),
        Way(
            "declined", "Card that is declined", "0002", ("card_declined", "generic_decline", "Your card was declined.")
        ),
        Way(
            "insufficient_funds",
            "Card without enough money",
            "9995",
            ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        ),
        Way("expired_card", "Card that has expired", "0069", ("expired_card", None, "Your card has expired.")),
        Way("delayed", "Bank debit that arrives later", "3000", delayed=True),
        Way("delayed_fails", "Bank debit that fails later", "3027", delayed=True, settles=False),
    )
}
# The names that Stripe's own test cards have in the API.
TEST_METHODS = {
    "pm_card_visa": "accepted",
    "pm_card_visa_chargeDeclined": "declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
    "pm_card_authenticationRequired": "authenticate",
}


def kinds(code: str) -> list[str]:
    """Return the types of payment method that a currency can be paid with."""
    return ["card", _DELAYED[code]] if code in _DELAYED else ["card"]


def kind_of(way: Way, code: str) -> str:
    """Return the type of payment method behind a way."""
    return _DELAYED.get(code, "card") if way.delayed else "card"
