"""Home, settings, plan and usage."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tenants import lifecycle, quotas


def test_a_fresh_workspace_offers_the_first_steps(acme: Any) -> None:
    page = acme.signed_in().get("/home")
    assert page.status_code == 200
    assert "Good " in page.text
    assert "Add your first product" in page.text


def test_the_api_shows_ones_own_workspace_and_no_other(acme: Any, globex: Any) -> None:
    api = acme.api()
    own = api.get(f"/tenants/{acme.tenant.id}")
    assert (own.status_code, own.json["slug"], own.json["limits"]["products"]) == (200, acme.tenant.slug, 100)
    foreign, absent = api.get(f"/tenants/{globex.tenant.id}"), api.get(f"/tenants/{uuid.uuid4()}")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json["detail"] == absent.json["detail"]


def test_the_name_changes_everywhere_at_once(acme: Any) -> None:
    api = acme.api()
    assert api.put(f"/tenants/{acme.tenant.id}", json={"company_name": "Acme & Daughters"}).status_code == 200
    assert api.get(f"/tenants/{acme.tenant.id}").json["company_name"] == "Acme & Daughters"
    assert "Acme &amp; Daughters" in acme.browser().get("/signin").text
    refused = api.put(f"/tenants/{acme.tenant.id}", json={"company_name": "x", "tier": "enterprise"})
    assert refused.status_code == 422


def test_usage_equals_what_was_counted(acme: Any) -> None:
    with acme.ctx() as ctx:
        quotas.reserve(ctx, "products", 7)
    items = acme.api().get(f"/tenants/{acme.tenant.id}/usage").json["items"]
    shown = {item["metric"]: (item["used"], item["limit"], item["left"]) for item in items}
    assert shown["products"] == (7, 100, 93)
    assert shown["users"][0] == 1


def test_general_settings_are_saved_and_a_stale_form_is_told(acme: Any) -> None:
    browser = acme.signed_in()
    sent = {"company_name": "Acme", "timezone": "Europe/Amsterdam", "currency": "GBP", "version": "1"}
    assert browser.submit("/settings", sent).status_code == 303
    page = browser.get("/settings").text
    assert 'value="Europe/Amsterdam" selected' in page
    stale = browser.submit("/settings", sent)
    assert stale.status_code == 412
    for field, value in (("timezone", "Mars/Olympus"), ("currency", "QQQ"), ("company_name", "")):
        assert browser.submit("/settings", {**sent, "version": "2", field: value}).status_code == 422


def test_a_colour_of_ones_own_needs_the_feature(world: Any, acme: Any) -> None:
    assert acme.signed_in().submit("/settings/brand", {"colour": "#ff0000"}).status_code == 403
    house = world.tenant("bright", tier="premium")
    browser = house.signed_in()
    assert browser.submit("/settings/brand", {"colour": "nonsense"}).status_code == 422
    assert browser.submit("/settings/brand", {"colour": "#C2410C"}).status_code == 303
    assert "#c2410c" in browser.get("/brand.css").text


def test_a_larger_plan_gives_more_room_at_once(acme: Any) -> None:
    with acme.ctx() as ctx:
        quotas.reserve(ctx, "products", 100)
    browser = acme.signed_in()
    assert "limit for products is reached" in browser.get("/settings/plan").text
    assert browser.submit("/settings/plan", {"tier": "premium"}).status_code == 303
    items = acme.api().get(f"/tenants/{acme.tenant.id}/usage").json["items"]
    assert {"metric": "products", "used": 100, "limit": 10_000, "left": 9_900} in items


@pytest.mark.parametrize(("tier", "words"), [("enterprise", "another place"), ("nothing", "")])
def test_a_plan_that_cannot_be_is_refused_with_a_reason(acme: Any, tier: str, words: str) -> None:
    browser = acme.signed_in()
    assert browser.submit("/settings/plan", {"tier": tier}).status_code == 303
    assert words in browser.get("/settings/plan").text
    assert acme.world.runtime.resolver.by_id(acme.tenant.id).tier.name == "basic"


def test_a_smaller_plan_is_refused_while_too_much_is_used(world: Any) -> None:
    house = world.tenant("shrinking", tier="premium")
    with house.ctx() as ctx:
        quotas.reserve(ctx, "products", 101)
    browser = house.signed_in()
    browser.submit("/settings/plan", {"tier": "basic"})
    assert "101 products of 100" in browser.get("/settings/plan").text
    assert world.runtime.resolver.by_id(house.tenant.id).tier.name == "premium"


def test_a_suspended_workspace_is_closed_on_every_way_in(acme: Any, runtime: Any) -> None:
    browser, api = acme.signed_in(), acme.api()
    lifecycle.suspend(runtime, acme.tenant.id, reason="The invoice of October is unpaid.")
    for answer in (browser.get("/home"), api.get("/products"), acme.browser().get("/signin")):
        assert answer.status_code == 403
    assert api.get("/products").json["code"] == "auth.tenant_suspended"
    assert "invoice of October" in browser.get("/home").text
    lifecycle.resume(runtime, acme.tenant.id)
    assert browser.get("/home").status_code == 200
