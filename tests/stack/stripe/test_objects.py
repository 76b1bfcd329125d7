"""Accounts are apart from each other; objects are made, found, listed, opened up and refused as Stripe does it."""

from typing import Any

import pytest
import requests
import stripe

from tests.stack.stripe.conftest import Shop


def test_objects_of_one_account_are_not_there_for_another(shop: Shop, other_shop: Shop) -> None:
    customer = shop.api.customers.create({"email": "ada@harbour.example"})
    intent = shop.paid()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        other_shop.api.customers.retrieve(customer.id)

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert refused.value.user_message == f"No such customer: '{customer.id}'"
    assert other_shop.api.customers.list().data == []
    assert other_shop.api.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        other_shop.api.refunds.create({"payment_intent": intent.id})
    assert shop.api.customers.retrieve(customer.id).email == "ada@harbour.example"


@pytest.mark.parametrize("key", ["sk_live_acme", "rubbish", "sk_test_", "sk_test_a b", "pk_test_acme"])
def test_a_key_of_another_form_is_refused(site: str, key: str) -> None:
    answer = requests.get(f"{site}/v1/customers", headers={"Authorization": f"Bearer {key}"}, timeout=5)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_call_without_a_key_or_with_a_revoked_one_is_refused(shop: Shop) -> None:
    assert requests.get(f"{shop.site}/v1/customers", timeout=5).status_code == 401
    assert shop.api.accounts.retrieve_current().id == f"acct_{shop.name}"

    shop.control("PATCH", "/manners", revoked=True)

    with pytest.raises(stripe.AuthenticationError, match="Expired API Key"):
        shop.api.accounts.retrieve_current()


def test_a_customer_is_made_changed_and_deleted(shop: Shop) -> None:
    customer = shop.api.customers.create({"name": "Ada", "metadata": {"a": "1", "b": "2"}})

    changed = shop.api.customers.update(customer.id, {"name": "", "metadata": {"a": "", "c": "3"}})
    gone = shop.api.customers.delete(customer.id)

    assert changed.name is None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert gone.deleted
    assert shop.events() == ["customer.created", "customer.updated", "customer.deleted"]
    assert shop.api.events.list().data[1].data.previous_attributes["name"] == "Ada"


def test_a_price_is_found_by_its_lookup_key_which_one_price_has_at_a_time(shop: Shop) -> None:
    data: dict[str, Any] = {"currency": "EUR", "unit_amount": 900, "lookup_key": "basic_monthly"}
    data["recurring"] = {"interval": "month"}
    first = shop.api.prices.create({**data, "product_data": {"name": "Basic"}})

    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.api.prices.create({**data, "product": first.product})
    second = shop.api.prices.create({**data, "product": first.product, "transfer_lookup_key": True})

    found = shop.api.prices.list({"lookup_keys": ["basic_monthly"], "expand": ["data.product"]}).data
    assert [price.id for price in found] == [second.id]
    assert (found[0].currency, found[0].unit_amount, found[0].type) == ("eur", 900, "recurring")
    assert found[0].product.name == "Basic"
    assert shop.api.prices.retrieve(first.id).lookup_key is None


def test_a_product_is_archived_and_cannot_be_deleted_while_it_has_prices(shop: Shop) -> None:
    default = {"currency": "eur", "unit_amount": 100}
    product = shop.api.products.create({"name": "Lamp", "default_price_data": default})

    archived = shop.api.products.update(product.id, {"active": False})

    assert not archived.active
    assert [each.id for each in shop.api.products.list({"active": False}).data] == [product.id]
    assert shop.api.products.list({"active": True}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        shop.api.products.delete(product.id)


def test_lists_come_in_pages_the_newest_first(shop: Shop) -> None:
    made = [shop.api.customers.create({"name": str(number)}).id for number in range(5)]

    first = shop.api.customers.list({"limit": 2})
    second = shop.api.customers.list({"limit": 2, "starting_after": first.data[-1].id})
    back = shop.api.customers.list({"limit": 2, "ending_before": second.data[0].id})

    assert [each.id for each in first.data] == made[4:2:-1]
    assert (first.has_more, second.has_more) == (True, True)
    assert [each.id for each in back.data] == made[4:2:-1]
    assert not back.has_more
    assert [each.id for each in shop.api.customers.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError, match="less than or equal to 100"):
        shop.api.customers.list({"limit": 101})


def test_lists_are_filtered_by_time(shop: Shop) -> None:
    early = shop.api.customers.create({})
    now = shop.advance(3_600)
    late = shop.api.customers.create({})

    assert [each.id for each in shop.api.customers.list({"created": {"gte": now}}).data] == [late.id]
    assert [each.id for each in shop.api.customers.list({"created": {"lt": now}}).data] == [early.id]


def test_ids_are_opened_up_where_they_can_be(shop: Shop) -> None:
    intent = shop.paid()
    listed = shop.api.checkout.sessions.list({"expand": ["data.payment_intent.latest_charge", "data.line_items"]})

    charge = listed.data[0].payment_intent.latest_charge

    assert (charge.amount, charge.payment_intent) == (2500, intent.id)
    assert listed.data[0].line_items.data[0].amount_total == 2500
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded") as refused:
        shop.api.payment_intents.retrieve(intent.id, {"expand": ["nonsense"]})
    assert refused.value.param == "expand"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"address": {"planet": "Mars"}}, "parameter_unknown", "address[planet]"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"name": ""}, "parameter_invalid_empty", "name"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
        ({"tax_exempt": "always"}, None, "tax_exempt"),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_is_made(
    shop: Shop, fields: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.customers.create(fields)

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert shop.api.customers.list().data == []
    assert shop.events() == []


@pytest.mark.parametrize(
    "body", ["a[b]=1&a=2", "a=1&a[b]=2", "[]=1", "a[b=1", "a=%ff", "&".join("a=1" for _ in range(3000))]
)
def test_a_body_that_cannot_be_read_is_refused(shop: Shop, body: str) -> None:
    headers = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/x-www-form-urlencoded"}

    answer = requests.post(f"{shop.site}/v1/customers", data=body, headers=headers, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_json_another_version_and_an_unknown_address_are_refused(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    url = f"{shop.site}/v1/customers"

    as_json = requests.post(url, json={}, headers=headers, timeout=5)
    older = requests.get(url, headers={**headers, "Stripe-Version": "2019-05-16"}, timeout=5)
    nowhere = requests.get(f"{shop.site}/v1/nonsense", headers=headers, timeout=5)

    assert "Invalid Content-Type" in as_json.json()["error"]["message"]
    assert "Invalid Stripe API version" in older.json()["error"]["message"]
    assert nowhere.status_code == 404
    assert nowhere.json()["error"]["message"] == "Unrecognized request URL (GET: /v1/nonsense)."
    assert nowhere.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_other_sites_are_kept_out(shop: Shop, headers: dict[str, str]) -> None:
    answer = requests.post(f"{shop.site}/_control/{shop.name}/clock", json={"advance": 9}, headers=headers, timeout=5)

    assert answer.status_code == 403
