"""Products: SKUs, places of the plan, archive and stock."""

from __future__ import annotations

from typing import Any

import pytest

from app.kit.concurrency import Versions
from app.kit.errors import NotFound, StaleVersion
from app.store.products import errors, queries, service
from tenants import quotas
from tenants.errors import LimitExceeded
from tests.store.support import at_once, facts, make


def test_a_new_product_is_kept_counted_and_announced(acme: Any) -> None:
    with acme.ctx() as ctx:
        made = make(ctx, inventory=3, category="Fiction")
    with acme.ctx() as ctx:
        found = queries.get_product(ctx, product_id=made.id)
        assert (found.name, found.price_minor, found.currency, found.inventory) == ("Harbour Lights", 3200, "EUR", 3)
        assert found.row_version == 1
        assert quotas.quota(ctx, "products").used == 1
    assert facts(acme) == ["store.product.created.v1"]


def test_a_sku_is_unique_without_case_until_its_product_is_archived(acme: Any) -> None:
    with acme.ctx() as ctx:
        first = make(ctx, sku="Ab 1")
        with pytest.raises(errors.SkuTaken) as refusal:
            make(ctx, sku="aB  1")
        assert refusal.value.errors[0].pointer == "#/sku"
        service.archive_product(ctx, product_id=first.id)
        second = make(ctx, sku="AB 1")
        with pytest.raises(errors.SkuTaken):
            service.restore_product(ctx, product_id=first.id)
        service.update_product(ctx, product_id=second.id, changes={"sku": "AB 2"})
        assert service.restore_product(ctx, product_id=first.id).status == "active"


def test_two_tenants_may_use_one_sku_and_do_not_see_each_other(acme: Any, globex: Any) -> None:
    with acme.ctx() as ctx:
        ours = make(ctx)
    with globex.ctx() as ctx:
        make(ctx)
        with pytest.raises(NotFound):
            queries.get_product(ctx, product_id=ours.id)
        assert queries.count_by_view(ctx)["all"] == 1


def test_archiving_frees_a_place_of_the_plan_and_can_be_undone(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx, status="draft")
        service.archive_product(ctx, product_id=product.id)
        service.archive_product(ctx, product_id=product.id)
        assert quotas.quota(ctx, "products").used == 0
        restored = service.restore_product(ctx, product_id=product.id)
        assert (restored.status, restored.archived_at) == ("draft", None)
        assert quotas.quota(ctx, "products").used == 1
        assert quotas.recount(ctx).get("products") is None


def test_a_stale_version_changes_nothing(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        service.update_product(ctx, product_id=product.id, changes={"name": "New"}, versions=Versions(frozenset({1})))
        with pytest.raises(StaleVersion):
            service.update_product(
                ctx, product_id=product.id, changes={"name": "Late"}, versions=Versions(frozenset({1}))
            )
        assert queries.get_product(ctx, product_id=product.id).name == "New"


def test_saving_what_is_there_already_makes_no_version_and_no_event(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        assert service.update_product(ctx, product_id=product.id, changes={"name": product.name}).row_version == 1
    assert facts(acme) == ["store.product.created.v1"]


def test_an_archived_product_is_not_edited(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        service.archive_product(ctx, product_id=product.id)
        with pytest.raises(errors.ProductArchived):
            service.update_product(ctx, product_id=product.id, changes={"name": "X"})


def test_a_product_that_was_never_ordered_is_deleted(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        assert service.remove_product(ctx, product_id=product.id) is None
        assert queries.find_product(ctx, product_id=product.id) is None
        assert quotas.quota(ctx, "products").used == 0


def test_the_limit_of_the_plan_holds_to_the_last_place(acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(100):
            make(ctx, sku=f"S{number}")
        with pytest.raises(LimitExceeded) as refusal:
            make(ctx, sku="one too many")
        assert refusal.value.status == 402
        assert refusal.value.extra["limit"]["used"] == 100


def test_of_twenty_at_once_one_gets_the_last_place(acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(99):
            make(ctx, sku=f"S{number}")

    def create(number: int) -> str:
        try:
            with acme.ctx() as ctx:
                make(ctx, sku=f"R{number}")
        except LimitExceeded:
            return "full"
        return "made"

    outcomes = at_once(20, create)
    assert (outcomes.count("made"), outcomes.count("full")) == (1, 19)
    with acme.ctx() as ctx:
        assert queries.count_unarchived(ctx) == 100
        assert quotas.recount(ctx).get("products") is None


def test_of_twenty_at_once_one_gets_the_sku(acme: Any) -> None:
    def create(number: int) -> str:
        try:
            with acme.ctx() as ctx:
                make(ctx, sku="wanted", name=f"Try {number}")
        except errors.SkuTaken:
            return "taken"
        return "made"

    outcomes = at_once(20, create)
    assert (outcomes.count("made"), outcomes.count("taken")) == (1, 19)


def test_many_are_changed_at_once_and_strangers_are_passed_over(acme: Any, globex: Any) -> None:
    with globex.ctx() as ctx:
        foreign = make(ctx)
    with acme.ctx() as ctx:
        mine = [make(ctx, sku=f"S{number}") for number in range(3)]
        ids = [product.id for product in mine]
        assert sorted(service.change_many(ctx, ids=[*ids, foreign.id], action="archive")) == sorted(ids)
        assert service.change_many(ctx, ids=ids, action="archive") == []
        assert sorted(service.change_many(ctx, ids=ids, action="restore")) == sorted(ids)
    with globex.ctx() as ctx:
        assert queries.get_product(ctx, product_id=foreign.id).status == "active"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("harb", ["Harbour Lights"]),
        ("HARBOUR  L", ["Harbour Lights"]),
        ("nb-2", ["The Quiet Orchard"]),
        ("lights", []),
        ("%", []),
        ("\U0010ffff", []),
    ],
)
def test_a_search_finds_the_beginning_of_a_name_or_sku(acme: Any, q: str, found: list[str]) -> None:
    with acme.ctx() as ctx:
        make(ctx)
        make(ctx, name="The Quiet Orchard", sku="NB-2041-E")
        page = queries.list_products(ctx, filters=queries.ProductFilter(q=q), limit=10)
        assert [row.name for row in page.items] == found


def test_pages_go_forth_and_back_without_loss_or_repeats(acme: Any) -> None:
    with acme.ctx() as ctx:
        for number in range(25):
            make(ctx, sku=f"S{number:02}", name=f"Name {number % 5}", price_minor=number % 3)
        for sort in queries.SORTS:
            filters = queries.ProductFilter(sort=sort)
            whole = [row.id for row in queries.list_products(ctx, filters=filters, limit=100).items]
            assert len(set(whole)) == 25
            seen, cursor, pages = [], None, []
            while True:
                page = queries.list_products(ctx, filters=filters, cursor=cursor, limit=7)
                pages.append([row.id for row in page.items])
                seen += pages[-1]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == whole
            back = queries.list_products(ctx, filters=filters, cursor=page.back_cursor, limit=7)
            assert [row.id for row in back.items] == pages[-2]
