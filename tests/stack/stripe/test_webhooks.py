"""Webhooks: signed, retried, doubled, shuffled, lost; to this machine only."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from stack.folder import DataFolder
from stack.payments import Payments
from tests.stack.stripe.conftest import Inbox, Shop

COMPLETED = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def states(shop: Shop) -> list[str]:
    return [delivery["state"] for delivery in shop.control("GET", "/deliveries")]


def test_a_delivery_is_signed_with_the_endpoints_secret(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    shop.api.customers.create({"name": "Grüße"})
    shop.settle()

    header, body = inbox.got[0]
    event = stripe.Webhook.construct_event(body, header, endpoint.secret)

    assert (event.type, event.data.object.name) == ("customer.created", "Grüße")
    assert event.pending_webhooks == 1
    assert shop.api.events.retrieve(event.id).pending_webhooks == 0
    for wrong in ("whsec_wrong", endpoint.secret + "x"):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, header, wrong)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body.replace(b"customer", b"costumer"), header, endpoint.secret)


def test_a_secret_is_shown_once_and_rolled_with_both_signing(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    assert "secret" not in shop.api.webhook_endpoints.retrieve(endpoint.id)

    new = shop.control("POST", f"/webhook_endpoints/{endpoint.id}/roll", expires_in=3_600)["secret"]
    shop.api.customers.create({})
    shop.settle()
    header, body = inbox.got[0]
    for secret in (endpoint.secret, new):
        assert stripe.Webhook.construct_event(body, header, secret).type == "customer.created"

    shop.advance(3_601)
    shop.api.customers.create({})
    shop.settle()
    header, body = inbox.got[1]
    assert stripe.Webhook.construct_event(body, header, new).type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, endpoint.secret)


def test_an_endpoint_gets_what_it_asked_for_while_it_is_enabled(shop: Shop, inbox: Inbox) -> None:
    wanted = {"url": inbox.url, "enabled_events": ["product.created"]}
    endpoint = shop.api.webhook_endpoints.create(wanted)

    shop.api.customers.create({})
    shop.api.products.create({"name": "Lamp"})
    shop.api.webhook_endpoints.update(endpoint.id, {"disabled": True})
    shop.api.products.create({"name": "Shade"})
    shop.api.webhook_endpoints.update(endpoint.id, {"disabled": False, "enabled_events": ["customer.created"]})
    shop.api.customers.create({})
    shop.api.webhook_endpoints.delete(endpoint.id)
    shop.api.customers.create({})
    shop.settle()

    assert set(inbox.types()) <= {"product.created", "customer.created"}
    assert len(shop.control("GET", "/deliveries")) == 2
    assert shop.api.webhook_endpoints.list().data == []


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/hook", "http://10.0.0.1/hook", "http://localhost.evil.example/", "http://0.0.0.0:80/",
     "http://127.0.0.1@evil.example/", "http://[::ffff:10.0.0.1]/", "ftp://localhost/", "localhost:8000", "http://[::1/"],
)  # fmt: skip
def test_an_address_of_another_machine_is_refused(shop: Shop, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})

    assert (refused.value.code, refused.value.param) == ("url_invalid", "url")


def test_a_failed_delivery_is_tried_again_with_a_fresh_signature(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    inbox.answers = [500, 302, 200]
    shop.api.customers.create({})
    shop.settle()
    assert states(shop) == ["waiting"]

    shop.advance(5 * 60)
    shop.settle()
    assert len(inbox.got) == 2
    shop.advance(25 * 60)
    shop.settle()

    assert states(shop) == ["delivered"]
    attempts = shop.control("GET", "/deliveries")[0]["attempts"]
    assert [attempt["status"] for attempt in attempts] == [500, 302, 200]
    assert attempts[2]["at"] - attempts[0]["at"] >= 30 * 60
    # Half an hour of the account's clock has passed, and none of the receiver's.
    for header, body in inbox.got:
        stripe.Webhook.construct_event(body, header, endpoint.secret, tolerance=120)
    assert len({body for _, body in inbox.got}) == 1


def test_after_three_days_a_delivery_is_given_up_and_can_be_sent_again(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    inbox.answers = [503] * 100
    shop.api.customers.create({})
    shop.settle()
    shop.advance(4 * 86_400)
    shop.settle()
    assert states(shop) == ["failed"]
    assert len(inbox.got) == 12
    lost = shop.api.events.list({"delivery_success": False}).data
    assert [event.type for event in lost] == ["customer.created"]

    inbox.answers = []
    shop.control("POST", f"/events/{lost[0].id}/resend")
    shop.settle()

    assert states(shop) == ["failed", "delivered"]
    header, body = inbox.got[-1]
    assert stripe.Webhook.construct_event(body, header, endpoint.secret, tolerance=120).id == lost[0].id


def test_a_schedule_can_be_shortened_and_an_endpoint_that_hangs_or_is_gone_counts_as_failed(
    shop: Shop, inbox: Inbox, endpoint: Any
) -> None:
    shop.control("PATCH", "/manners", retries=[0, 0], timeout=0.2)
    shop.api.webhook_endpoints.create({"url": "http://localhost:1/", "enabled_events": ["*"]})
    inbox.open.clear()

    shop.api.customers.create({})
    shop.settle()

    deliveries = shop.control("GET", "/deliveries")
    assert [delivery["state"] for delivery in deliveries] == ["failed", "failed"]
    assert [len(delivery["attempts"]) for delivery in deliveries] == [3, 3]
    assert "timed out" in deliveries[0]["attempts"][0]["said"]
    assert "ConnectionRefusedError" in deliveries[1]["attempts"][0]["said"]


def test_events_can_be_held_and_come_in_another_order(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    shop.control("PATCH", "/manners", hold=True, order="reversed", concurrency=1)
    shop.paid()
    assert inbox.got == []

    shop.control("PATCH", "/manners", hold=False)
    shop.settle()

    assert inbox.types() == COMPLETED[::-1]


def test_events_can_be_shuffled_and_doubled(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    shop.control("PATCH", "/manners", duplicate=19, order="shuffled", concurrency=20)

    shop.paid()
    shop.settle()

    assert sorted(inbox.types()) == sorted(COMPLETED * 20)
    assert inbox.types() != COMPLETED * 20
    assert len({json.loads(body)["id"] for _, body in inbox.got}) == 4


def test_events_can_be_delayed_and_dropped(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    shop.control("PATCH", "/manners", delay=600, drop=["checkout.session.completed"])
    shop.paid()
    shop.settle()
    assert inbox.got == []

    shop.advance(600)
    shop.settle()

    assert sorted(inbox.types()) == sorted(COMPLETED[:3])
    assert shop.events() == COMPLETED
    lost = shop.api.events.list({"delivery_success": False}).data
    assert [event.type for event in lost] == ["checkout.session.completed"]


def test_a_dead_endpoint_of_one_account_holds_nobody_else_up(
    shop: Shop, other_shop: Shop, inbox: Inbox, site: str
) -> None:
    inbox.open.clear()
    shop.api.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["*"]})
    for _ in range(10):
        shop.api.customers.create({})

    other_shop.api.webhook_endpoints.create({"url": f"{site}/", "enabled_events": ["*"]})
    other_shop.control("PATCH", "/manners", retries=[])
    other_shop.api.customers.create({})

    other_shop.settle()
    assert states(other_shop) == ["failed"]
    assert set(states(shop)) <= {"waiting", "sending"}


def test_everything_is_there_after_a_kill(place: Path, inbox: Inbox) -> None:
    killed = Payments(DataFolder(place / "data"))
    killed.start()
    killed.wait_ready()
    first = Shop(killed.env()["STRIPE_API_BASE"])
    endpoint = first.api.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["*"]})
    first.control("PATCH", "/manners", hold=True)
    first.advance(1_000)
    customer = first.api.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    session = first.session()
    assert killed.process.pid is not None
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.stop()

    launcher = Payments(DataFolder(place / "data"))
    launcher.start()
    launcher.wait_ready()
    try:
        assert launcher.env() == {"STRIPE_API_BASE": first.site}
        assert first.api.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).id == customer.id
        assert first.control("GET", "/clock")["now"] >= time.time() + 990
        assert first.pay(session).status_code == 303
        first.control("PATCH", "/manners", hold=False)
        first.settle()
        assert sorted(inbox.types()) == sorted(["customer.created", *COMPLETED])
        header, body = inbox.got[0]
        stripe.Webhook.construct_event(body, header, endpoint.secret)
    finally:
        launcher.stop()


def test_the_board_shows_accounts_and_events_and_has_two_buttons(shop: Shop, inbox: Inbox, endpoint: Any) -> None:
    shop.paid()
    shop.settle()
    event = shop.api.events.list().data[0].id
    board = f"{shop.site}/accounts/{shop.name}"

    assert shop.name in requests.get(shop.site, timeout=5).text
    page = requests.get(board, timeout=5).text
    assert "checkout.session.completed" in page
    assert "25.00 EUR" in page
    before = shop.control("GET", "/clock")["now"]
    requests.post(f"{board}/clock", data={"step": "day"}, timeout=5)
    requests.post(f"{board}/events/{event}/resend", timeout=5)
    shop.settle()

    assert shop.control("GET", "/clock")["now"] >= before + 86_400
    assert inbox.types().count("checkout.session.completed") == 2
    assert requests.get(f"{shop.site}/accounts/nobody", timeout=5).status_code == 404
