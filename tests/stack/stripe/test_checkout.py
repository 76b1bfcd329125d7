"""Checkout: what a shop may ask for, what a buyer may do, and how each payment ends."""

import threading
import time
from typing import Any

import pytest
import requests
import stripe
from playwright.sync_api import Browser, expect

from tests.stack.stripe.conftest import Shop

LINE: dict[str, Any] = {
    "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Lamp"}},
    "quantity": 2,
}


def line(**price: Any) -> dict[str, Any]:
    return {**LINE, "price_data": {**LINE["price_data"], **price}}


def again(shop: Shop, session: Any, *expand: str) -> Any:
    return shop.api.checkout.sessions.retrieve(session.id, {"expand": list(expand)})


def test_a_session_is_open_until_it_is_paid(shop: Shop) -> None:
    session = shop.session(
        client_reference_id="order-7",
        metadata={"order": "7"},
        payment_intent_data={"metadata": {"order": "7"}, "description": "Order 7"},
        customer_email="ada@harbour.example",
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency) == (2500, "eur")

    answer = shop.pay(session)
    paid = again(shop, session, "payment_intent.latest_charge", "line_items")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://acme.localhost:8000/orders/7?session={session.id}"
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.client_reference_id, paid.metadata["order"]) == ("order-7", "7")
    assert paid.customer_details.name == "Ada"
    intent = paid.payment_intent
    assert (intent.status, intent.amount_received, intent.metadata["order"]) == ("succeeded", 2500, "7")
    charge = intent.latest_charge
    assert (charge.paid, charge.payment_method_details.card.last4, charge.description) == (True, "4242", "Order 7")
    assert [item.quantity for item in shop.api.checkout.sessions.line_items.list(session.id).data] == [2]
    assert shop.events() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_an_event_shows_the_object_as_it_was_then(shop: Shop) -> None:
    session = shop.session()
    shop.pay(session)
    shop.api.checkout.sessions.update(session.id, {"metadata": {"late": "yes"}})

    event = shop.api.events.list({"type": "checkout.session.completed"}).data[0]

    shown = event.data.object
    assert (shown.id, shown.payment_status, shown.metadata.to_dict()) == (session.id, "paid", {})
    assert not [name for name in shown.to_dict() if name.startswith("_")]
    assert shop.api.events.retrieve(event.id).api_version == stripe.api_version


@pytest.mark.parametrize(("way", "code"), [("declined", "card_declined"), ("insufficient_funds", "card_declined"),
                                           ("expired_card", "expired_card")])  # fmt: skip
def test_a_declined_card_leaves_the_session_open_for_another(shop: Shop, way: str, code: str) -> None:
    session = shop.session()

    page = requests.get(shop.pay(session, way).headers["Location"].replace("/c/", f"{shop.site}/c/"), timeout=5)
    open_still = again(shop, session, "payment_intent")

    assert (open_still.status, open_still.payment_intent.status) == ("open", "requires_payment_method")
    assert open_still.payment_intent.last_payment_error.code == code
    assert open_still.payment_intent.last_payment_error.message in page.text
    assert shop.events()[-2:] == ["charge.failed", "payment_intent.payment_failed"]

    shop.pay(session)
    paid = again(shop, session)
    assert (paid.payment_status, paid.payment_intent) == ("paid", open_still.payment_intent.id)


@pytest.mark.parametrize(("answer", "status"), [("yes", "paid"), ("no", "unpaid")])
def test_a_card_may_ask_for_authentication(shop: Shop, answer: str, status: str) -> None:
    session = shop.session()
    step = shop.pay(session, "authenticate").headers["Location"]
    assert again(shop, session, "payment_intent").payment_intent.status == "requires_action"

    requests.post(shop.site + step, data={"passed": answer}, allow_redirects=False, timeout=5)

    done = again(shop, session, "payment_intent")
    assert done.payment_status == status
    if status == "unpaid":
        error = done.payment_intent.last_payment_error
        assert (done.status, error.code) == ("open", "payment_intent_authentication_failure")


@pytest.mark.parametrize(
    ("way", "end", "status"), [("delayed", "succeeded", "paid"), ("delayed_fails", "failed", "unpaid")]
)
def test_a_bank_debit_ends_later(shop: Shop, way: str, end: str, status: str) -> None:
    session = shop.session()
    assert shop.pay(session, way).status_code == 303
    waiting = again(shop, session, "payment_intent")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"

    shop.advance(200)

    settled = again(shop, session, "payment_intent.latest_charge")
    assert settled.payment_status == status
    assert settled.payment_intent.latest_charge.status == end
    assert shop.events()[-1] == f"checkout.session.async_payment_{end}"
    assert shop.events().count("checkout.session.completed") == 1


def test_a_free_order_completes_without_a_payment(shop: Shop) -> None:
    session = shop.session(line_items=[line(unit_amount=0)])

    shop.pay(session)

    free = again(shop, session)
    assert (free.status, free.payment_status, free.payment_intent) == ("complete", "no_payment_required", None)


def test_a_session_sells_stored_prices_and_can_make_a_customer(shop: Shop) -> None:
    price = shop.api.prices.create({"currency": "jpy", "unit_amount": 500, "product_data": {"name": "Tea"}})
    session = shop.session(line_items=[{"price": price.id, "quantity": 3}], customer_creation="always")

    shop.pay(session)

    paid = again(shop, session, "customer", "line_items.data.price")
    assert (paid.amount_total, paid.currency, paid.customer.email) == (1500, "jpy", "ada@harbour.example")
    assert paid.line_items.data[0].description == "Tea"


@pytest.mark.parametrize(
    ("more", "param", "said"),
    [
        ({"line_items": []}, "line_items", "Missing required param"),
        ({"line_items": [LINE, line(currency="usd")]}, "line_items", "same currency"),
        ({"line_items": [line(currency="xyz")]}, "line_items[0][price_data][currency]", "Invalid currency: xyz"),
        ({"line_items": [line(unit_amount=-1)]}, "line_items[0][price_data][unit_amount]", "greater than or equal"),
        ({"line_items": [line(unit_amount="12.50")]}, "line_items[0][price_data][unit_amount]", "Invalid integer"),
        ({"line_items": [line(unit_amount=10)]}, "line_items", "at least 0.50 EUR"),
        ({"line_items": [line(unit_amount=99_999_999)]}, "line_items", "no more than"),
        ({"line_items": [{**LINE, "quantity": 0}]}, "line_items[0][quantity]", "greater than or equal"),
        ({"line_items": [line(currency="bhd", unit_amount=1255)]}, "line_items[0][price_data][unit_amount]", "by 10"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price_data]", "exactly one"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]", "No such price"),
        ({"line_items": [LINE] * 101}, "line_items", "at most 100"),
        ({"success_url": "/orders/7"}, "success_url", "explicit scheme"),
        ({"mode": "subscription"}, "mode", "Invalid mode"),
        ({"customer": "cus_none"}, "customer", "No such customer"),
        ({"customer_email": "nobody"}, "customer_email", "Invalid email"),
        ({"payment_method_types": ["oxxo"]}, "payment_method_types[0]", "invalid for eur"),
        ({"payment_intent_data": {"capture_method": "manual"}}, "payment_intent_data[capture_method]", "Invalid"),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "at most 200"),
    ],
)
def test_what_a_session_cannot_be_is_refused(shop: Shop, more: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=said.replace("(", r"\(")) as refused:
        shop.session(**more)

    assert refused.value.param == param
    assert shop.api.checkout.sessions.list().data == []
    assert shop.api.prices.list().data == []


@pytest.mark.parametrize(("seconds", "said"), [(29 * 60, "at least 30 minutes"), (25 * 3_600, "less than 24 hours")])
def test_a_session_lasts_between_half_an_hour_and_a_day(shop: Shop, seconds: int, said: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=said):
        shop.session(expires_at=int(time.time()) + seconds)


def test_a_session_expires_when_its_time_is_over(shop: Shop) -> None:
    session = shop.session(expires_at=int(time.time()) + 31 * 60)
    shop.pay(session, "declined")
    url = session.url

    shop.advance(31 * 60)

    expired = again(shop, session, "payment_intent")
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert expired.payment_intent.status == "canceled"
    assert shop.events()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    assert shop.api.events.list().data[0].created == session.expires_at
    assert "has expired" in requests.get(url, timeout=5).text
    assert shop.pay(session).status_code == 409


def test_the_shop_can_let_a_session_expire_once(shop: Shop) -> None:
    session = shop.session()

    assert shop.api.checkout.sessions.expire(session.id).status == "expired"

    with pytest.raises(stripe.InvalidRequestError, match="has a status of `expired`"):
        shop.api.checkout.sessions.expire(session.id)
    assert shop.pay(session).status_code == 409
    assert shop.events() == ["checkout.session.expired"]


def test_of_a_payment_and_an_expiry_at_once_exactly_one_happens(shop: Shop) -> None:
    for _ in range(10):
        session = shop.session()
        ends: list[str] = []

        def expire(session: Any = session, ends: list[str] = ends) -> None:
            try:
                shop.api.checkout.sessions.expire(session.id)
                ends.append("expired")
            except stripe.InvalidRequestError:
                pass

        def pay(session: Any = session, ends: list[str] = ends) -> None:
            if shop.pay(session).status_code == 303:
                ends.append("complete")

        threads = [threading.Thread(target=each) for each in (expire, pay)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [again(shop, session).status] == ends


def test_a_paid_checkout_cannot_be_paid_again(shop: Shop) -> None:
    session = shop.session()
    shop.pay(session)

    second = shop.pay(session)

    assert second.status_code == 409
    assert "is complete" in second.text
    assert len(shop.api.charges.list().data) == 1


def test_a_payment_of_a_session_is_cancelled_through_the_session_only(shop: Shop) -> None:
    session = shop.session()
    shop.pay(session, "declined")
    intent = again(shop, session).payment_intent

    with pytest.raises(stripe.InvalidRequestError, match="Expire the Checkout Session instead"):
        shop.api.payment_intents.cancel(intent)


def test_a_payment_without_a_session_is_confirmed_or_cancelled(shop: Shop) -> None:
    unpaid = shop.api.payment_intents.create({"amount": 500, "currency": "eur"})
    assert shop.api.payment_intents.cancel(unpaid.id, {"cancellation_reason": "abandoned"}).status == "canceled"

    paid = shop.api.payment_intents.create({"amount": 500, "currency": "eur"})
    paid = shop.api.payment_intents.confirm(paid.id, {"payment_method": "pm_card_visa"})

    assert paid.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.cancel(paid.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_the_page_refuses_what_it_did_not_offer(shop: Shop) -> None:
    session = shop.session(line_items=[line(currency="jpy")])

    assert shop.pay(session, "delayed").status_code == 422
    assert shop.pay(session, email="").status_code == 422
    assert requests.get(f"{shop.site}/c/pay/cs_test_none", timeout=5).status_code == 404
    assert again(shop, session).payment_intent is None


@pytest.mark.browser
def test_a_buyer_pays_without_javascript(shop: Shop, chromium: Browser) -> None:
    with chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.route("**/orders/7*", lambda route: route.fulfill(body="Thank you", content_type="text/html"))
        session = shop.session(customer_email="ada@harbour.example")
        page.goto(session.url)
        expect(page.get_by_text("Test page: no money moves")).to_be_visible()

        page.get_by_label("Card that is declined").check()
        page.get_by_role("button", name="Pay 25.00 EUR").click()
        expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
        page.get_by_label("Card that asks for 3-D Secure").check()
        page.get_by_role("button", name="Pay 25.00 EUR").click()
        page.get_by_role("button", name="Confirm payment").click()

        expect(page.get_by_text("Thank you")).to_be_visible()
        assert page.url == f"http://acme.localhost:8000/orders/7?session={session.id}"
    assert again(shop, session).payment_status == "paid"
