"""Refunds: whole, in parts, never more than there is; at once, later, or failed. And disputes."""

from typing import Any

import pytest
import stripe

from tests.stack.stripe.conftest import Shop


def charge_of(shop: Shop, intent: Any) -> Any:
    return shop.api.charges.retrieve(intent.latest_charge)


def test_a_payment_is_refunded_in_parts_and_then_no_more(shop: Shop) -> None:
    intent = shop.paid(2500)

    first = shop.api.refunds.create({"payment_intent": intent.id, "amount": 1000, "metadata": {"order": "7"}})
    assert (first.status, first.metadata["order"]) == ("succeeded", "7")
    with pytest.raises(stripe.InvalidRequestError, match=r"\(15.01 EUR\) is greater than .* \(15.00 EUR\)") as refused:
        shop.api.refunds.create({"payment_intent": intent.id, "amount": 1501})
    assert refused.value.param == "amount"
    assert not charge_of(shop, intent).refunded
    second = shop.api.refunds.create({"charge": intent.latest_charge, "reason": "requested_by_customer"})

    assert second.amount == 1500
    charge = charge_of(shop, intent)
    assert (charge.amount_refunded, charge.refunded) == (2500, True)
    with pytest.raises(stripe.InvalidRequestError, match="has already been refunded") as refused:
        shop.api.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    listed = shop.api.refunds.list({"payment_intent": intent.id}).data
    assert [refund.id for refund in listed] == [second.id, first.id]
    assert shop.api.refunds.retrieve(first.id, {"expand": ["charge"]}).charge.id == charge.id
    assert shop.events()[-4:] == ["refund.created", "charge.refunded"] * 2


def test_a_refund_is_pending_and_then_succeeds(shop: Shop) -> None:
    session = shop.session()
    shop.pay(session, "delayed")
    shop.advance(200)
    intent = shop.api.checkout.sessions.retrieve(session.id).payment_intent

    refund = shop.api.refunds.create({"payment_intent": intent})
    assert refund.status == "pending"
    shop.advance(200)

    assert shop.api.refunds.retrieve(refund.id).status == "succeeded"
    assert shop.events()[-2:] == ["refund.updated", "charge.refund.updated"]


@pytest.mark.parametrize("outcome", ["pending_then_failed", "succeeded_then_failed"])
def test_a_refund_fails_and_the_money_can_be_sent_back_again(shop: Shop, outcome: str) -> None:
    intent = shop.paid()
    shop.control("PATCH", "/manners", next_refunds=[outcome])

    refund = shop.api.refunds.create({"payment_intent": intent.id})
    assert refund.status == outcome.partition("_")[0]
    shop.advance(200)

    failed = shop.api.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert charge_of(shop, intent).amount_refunded == 0
    assert "refund.failed" in shop.events()
    assert shop.api.refunds.create({"payment_intent": intent.id}).status == "succeeded"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "parameter_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
        ({"amount": 5}, "parameter_missing"),
    ],
)
def test_a_refund_of_nothing_is_refused(shop: Shop, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create(fields)

    assert refused.value.code == code


@pytest.mark.parametrize("amount", [0, -5, "1.5"])
def test_an_amount_that_is_none_is_refused(shop: Shop, amount: Any) -> None:
    intent = shop.paid()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create({"payment_intent": intent.id, "amount": amount})

    assert (refused.value.code, refused.value.param) == ("parameter_invalid_integer", "amount")


def test_what_was_not_paid_is_not_refunded(shop: Shop) -> None:
    session = shop.session()
    shop.pay(session, "declined")
    intent = shop.api.checkout.sessions.retrieve(session.id).payment_intent

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        shop.api.refunds.create({"payment_intent": intent})


def test_a_disputed_charge_is_not_refunded(shop: Shop) -> None:
    intent = shop.paid()

    dispute = shop.control("POST", "/disputes", payment_intent=intent.id, reason="product_not_received")

    assert shop.api.disputes.retrieve(dispute["id"]).status == "needs_response"
    assert charge_of(shop, intent).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    assert "charge.dispute.created" in shop.events()
    assert shop.control("POST", f"/disputes/{dispute['id']}/close", won=True)["status"] == "won"
    assert shop.events()[-1] == "charge.dispute.closed"
