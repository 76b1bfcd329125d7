"""Idempotency keys give one answer for one wish, and faults come when they are ordered."""

import threading
from typing import Any

import pytest
import requests
import stripe

from tests.stack.conftest import eventually
from tests.stack.stripe.conftest import Shop

KEY = {"idempotency_key": "order-7"}


def raw(shop: Shop, name: str = "Ada", **headers: str) -> requests.Response:
    credentials = {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": "order-7", **headers}
    return requests.post(f"{shop.site}/v1/customers", data={"name": name}, headers=credentials, timeout=30)


def test_the_same_wish_twice_has_one_effect_and_one_answer(shop: Shop, other_shop: Shop) -> None:
    first, second = raw(shop), raw(shop)

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers
    assert len(shop.api.customers.list().data) == 1
    assert shop.events() == ["customer.created"]
    assert shop.api.events.list().data[0].request.idempotency_key == "order-7"
    assert raw(other_shop).json()["id"] != first.json()["id"]


def test_a_key_is_not_taken_for_another_wish(shop: Shop) -> None:
    shop.api.customers.create({"name": "Ada"}, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        shop.api.customers.create({"name": "Bob"}, KEY)
    with pytest.raises(stripe.IdempotencyError, match=r"same endpoint .*'/v1/products' vs '/v1/customers'"):
        shop.api.products.create({"name": "Ada"}, KEY)

    assert len(shop.api.customers.list().data) == 1


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    first = raw(shop).json()["id"]

    shop.advance(23 * 3_600)
    assert raw(shop).json()["id"] == first
    shop.advance(2 * 3_600)

    assert raw(shop).json()["id"] != first


def test_a_wrong_parameter_leaves_the_key_free_and_a_wrong_time_does_not(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.create({"email": "nobody"}, KEY)
    assert shop.api.customers.create({"email": "ada@harbour.example"}, KEY).email == "ada@harbour.example"

    intent = shop.paid()
    shop.control("PATCH", "/manners", next_refunds=["pending_then_failed"])
    shop.api.refunds.create({"payment_intent": intent.id})
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.api.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "refund-7"})
        assert refused.value.code == "charge_already_refunded"
        # The first refund fails meanwhile, and still the key says what it said.
        shop.advance(200)


def test_a_key_in_use_is_told_to_the_second_caller(shop: Shop) -> None:
    shop.control("POST", "/faults", kind="slow", match="POST /v1/customers", seconds=60)
    answers: list[requests.Response] = []
    first = threading.Thread(target=lambda: answers.append(raw(shop)))
    first.start()
    assert eventually(lambda: shop.control("GET", "/faults") == [])

    second = raw(shop)
    shop.control("DELETE", "/faults")
    first.join()

    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers[0].status_code == 200
    assert raw(shop).json() == answers[0].json()


def test_twenty_at_once_with_one_key_have_one_effect(shop: Shop) -> None:
    answers: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(raw(shop))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.ok}) == 1
    assert len(shop.api.customers.list().data) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "error"}, stripe.APIError),
        ({"kind": "rate_limit"}, stripe.RateLimitError),
        ({"kind": "cut"}, stripe.APIConnectionError),
    ],
)
def test_an_ordered_fault_hits_the_next_calls_of_its_kind(
    shop: Shop, fault: dict[str, Any], error: type[stripe.StripeError]
) -> None:
    shop.control("POST", "/faults", match="POST /v1/customers", count=2, **fault)

    assert shop.api.products.create({"name": "Lamp"}).name == "Lamp"
    for _ in range(2):
        with pytest.raises(error):
            shop.api.customers.create({"name": "Ada"}, KEY)
    assert shop.api.customers.list().data == []

    assert shop.api.customers.create({"name": "Ada"}, KEY).name == "Ada"


def test_a_connection_cut_after_the_effect_is_healed_by_the_key(shop: Shop) -> None:
    intent = shop.paid()
    shop.control("POST", "/faults", kind="cut", match="POST /v1/refunds", effect=True)

    with pytest.raises(stripe.APIConnectionError):
        shop.api.refunds.create({"payment_intent": intent.id}, KEY)
    made = shop.api.refunds.list({"payment_intent": intent.id}).data

    assert shop.api.refunds.create({"payment_intent": intent.id}, KEY).id == made[0].id
    assert len(made) == len(shop.api.refunds.list({"payment_intent": intent.id}).data) == 1


def test_an_error_after_the_effect_stays_the_answer_of_its_key(shop: Shop) -> None:
    shop.control("POST", "/faults", kind="error", effect=True)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.api.customers.create({"name": "Ada"}, KEY)

    assert [customer.name for customer in shop.api.customers.list().data] == ["Ada"]


def test_the_library_tries_again_by_itself_and_makes_one_thing(shop: Shop) -> None:
    shop.control("POST", "/faults", kind="cut", match="POST *", effect=True)
    client = stripe.StripeClient(shop.key, base_addresses={"api": shop.site}, max_network_retries=2)

    client.v1.customers.create({"name": "Ada"})

    assert len(shop.api.customers.list().data) == 1


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/faults", {"kind": "fire"}, "kind is one of"),
        ("/faults", {"sort": "error"}, "A fault has kind"),
        ("/clock", {"advance": -5}, "advance is a whole number"),
        ("/events/evt_none/resend", {}, "No such event"),
    ],
)
def test_a_wrong_control_call_says_what_is_wrong(shop: Shop, path: str, body: dict[str, Any], said: str) -> None:
    answer = requests.post(f"{shop.site}/_control/{shop.name}{path}", json=body, timeout=5)

    assert answer.status_code in {400, 404}
    assert said in answer.json()["error"]["message"]


def test_an_unknown_manner_is_named(shop: Shop) -> None:
    url = f"{shop.site}/_control/{shop.name}/manners"

    for body, said in (({"politeness": 1}, "no setting 'politeness'"), ({"hold": "yes"}, "hold takes a bool"),
                       ({"refund": "maybe"}, "refund is 'maybe'")):  # fmt: skip
        answer = requests.patch(url, json=body, timeout=5)
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]
