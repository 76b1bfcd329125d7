"""Orders: stock, snapshots, totals, numbers and the path of states."""

from __future__ import annotations

import itertools
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.kit.errors import Invalid, NotFound
from app.store.orders import errors, queries, service
from app.store.orders.models import FIRST_NUMBER, MAX_TOTAL, STATUSES, TRANSITIONS, SalesOrder
from app.store.orders.stock import Wish
from app.store.products import queries as products
from app.store.products import service as product_service
from app.store.products.errors import NotForSale, OutOfStock
from app.store.products.models import Product
from tenants import quotas
from tenants.errors import LimitExceeded
from tests.store.support import at_once, facts, make

ADDRESS = {"street": "Oudegracht 118", "city": "Utrecht", "zip": "3511 AW", "country": "NL"}


def place(ctx: Any, *wishes: tuple[Product, int], **options: Any) -> SalesOrder:
    """Place an order of Ada's."""
    items = [Wish(product.id, quantity) for product, quantity in wishes]
    return service.place_order(ctx, customer_email="Ada@Brook.example", items=items, **options)


def stock(house: Any, product: Product) -> int | None:
    """Return what is left of a product."""
    with house.ctx() as ctx:
        return products.get_product(ctx, product_id=product.id).inventory


def test_placing_an_order_takes_stock_and_keeps_name_and_price(acme: Any) -> None:
    with acme.ctx() as ctx:
        book = make(ctx, inventory=5, price_minor=3200)
        course = make(ctx, sku="C-1", name="First Aid", type="course", price_minor=1999)
        order = place(ctx, (book, 2), (course, 1), shipping_address=ADDRESS)
        product_service.update_product(ctx, product_id=book.id, changes={"name": "Renamed", "price_minor": 1})
    with acme.ctx() as ctx:
        found = queries.get_order(ctx, order_id=order.id)
        lines = [(line.product_name, line.quantity, line.price_minor, line.subtotal_minor) for line in found.lines]
        assert lines == [("Harbour Lights", 2, 3200, 6400), ("First Aid", 1, 1999, 1999)]
        assert (found.total_minor, found.currency, found.status) == (8399, "EUR", "pending")
        assert (found.customer_email, found.customer_email_norm) == ("Ada@Brook.example", "ada@brook.example")
        assert quotas.quota(ctx, "orders").used == 1
        assert quotas.recount(ctx) == {}
    assert stock(acme, book) == 3
    assert facts(acme)[-2:] == ["store.order.placed.v1", "store.product.updated.v1"]


def test_numbers_follow_each_other_in_each_tenant(acme: Any, globex: Any) -> None:
    for house in (acme, globex):
        with house.ctx() as ctx:
            product = make(ctx)
            numbers = [place(ctx, (product, 1)).number for _ in range(3)]
        assert numbers == [FIRST_NUMBER, FIRST_NUMBER + 1, FIRST_NUMBER + 2]


def test_a_refused_order_leaves_no_gap_and_takes_nothing(acme: Any) -> None:
    with acme.ctx() as ctx:
        book, rare = make(ctx, inventory=5), make(ctx, sku="R", name="Rare", inventory=1)
        place(ctx, (book, 1))
    with pytest.raises(OutOfStock) as refusal, acme.ctx() as ctx:
        place(ctx, (book, 1), (rare, 2))
    assert [(e.pointer, e.detail) for e in refusal.value.errors] == [("#/items/1/quantity", "Rare: 1 left.")]
    assert (stock(acme, book), stock(acme, rare)) == (4, 1)
    with acme.ctx() as ctx:
        assert place(ctx, (book, 1)).number == FIRST_NUMBER + 1
        assert quotas.recount(ctx) == {}


def test_two_lines_of_one_product_count_together(acme: Any) -> None:
    with acme.ctx() as ctx:
        book = make(ctx, inventory=3)
    with pytest.raises(OutOfStock) as refusal, acme.ctx() as ctx:
        place(ctx, (book, 2), (book, 2))
    assert [e.pointer for e in refusal.value.errors] == ["#/items/0/quantity", "#/items/1/quantity"]
    with acme.ctx() as ctx:
        place(ctx, (book, 2), (book, 1))
    assert stock(acme, book) == 0


def test_unknown_and_foreign_products_are_refused_alike(acme: Any, globex: Any) -> None:
    with globex.ctx() as ctx:
        foreign = make(ctx)
    told = []
    for product_id in (foreign.id, uuid4()):
        with pytest.raises(Invalid) as refusal, acme.ctx() as ctx:
            service.place_order(ctx, customer_email="a@b.example", items=[Wish(product_id, 1)])
        told.append([(e.pointer, e.detail) for e in refusal.value.errors])
    assert told[0] == told[1]
    assert told[0][0][0] == "#/items/0/product_id"


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_for_sale_is_not_ordered(acme: Any, status: str) -> None:
    with acme.ctx() as ctx:
        product = make(ctx, status="draft")
        if status == "archived":
            product_service.archive_product(ctx, product_id=product.id)
    with pytest.raises(NotForSale), acme.ctx() as ctx:
        place(ctx, (product, 1))


def test_an_order_has_one_currency(acme: Any) -> None:
    with acme.ctx() as ctx:
        euro, yen = make(ctx), make(ctx, sku="Y", currency="JPY", price_minor=1200)
    with pytest.raises(Invalid) as refusal, acme.ctx() as ctx:
        place(ctx, (euro, 1), (yen, 1))
    assert refusal.value.errors[0].pointer == "#/items/1/product_id"


def test_a_total_beyond_what_can_be_booked_is_refused(acme: Any) -> None:
    with acme.ctx() as ctx:
        dear = make(ctx, price_minor=10**12)
    with pytest.raises(Invalid), acme.ctx() as ctx:
        place(ctx, (dear, 1_000_000))
    with acme.ctx() as ctx:
        assert place(ctx, (dear, MAX_TOTAL // 10**12)).total_minor == MAX_TOTAL


def test_stock_never_goes_below_nothing_with_thirty_buyers(acme: Any) -> None:
    with acme.ctx() as ctx:
        book, pen = make(ctx, inventory=10), make(ctx, sku="P", name="Pen", inventory=10)

    def buy(number: int) -> str:
        # Half of them name the products the other way round: one lock order for all keeps them from a deadlock.
        wishes = [(book, 1), (pen, 1)]
        try:
            with acme.ctx() as ctx:
                place(ctx, *(wishes if number % 2 else reversed(wishes)))
        except OutOfStock:
            return "sold out"
        return "bought"

    said = at_once(30, buy)
    assert (said.count("bought"), said.count("sold out")) == (10, 20)
    assert (stock(acme, book), stock(acme, pen)) == (0, 0)
    with acme.ctx() as ctx:
        page = queries.list_orders(ctx, filters=queries.OrderFilter(sort="number"), limit=100)
        assert [row.number for row in page.items] == list(range(FIRST_NUMBER, FIRST_NUMBER + 10))


def test_of_twenty_orders_at_once_one_gets_the_last_place(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        quotas.reserve(ctx, "orders", 999)

    def order(number: int) -> str:
        try:
            with acme.ctx() as ctx:
                place(ctx, (product, 1))
        except LimitExceeded:
            return "full"
        return "placed"

    said = at_once(20, order)
    assert (said.count("placed"), said.count("full")) == (1, 19)


def test_buying_and_cancelling_at_once_loses_no_stock(acme: Any) -> None:
    with acme.ctx() as ctx:
        book, pen = make(ctx, inventory=100), make(ctx, sku="P", name="Pen", inventory=100)
        placed = [place(ctx, (book, 2), (pen, 3)).id for _ in range(10)]

    def work(number: int) -> str:
        with acme.ctx() as ctx:
            if number % 2:
                place(ctx, (pen, 1), (book, 1))
            else:
                service.move_order(ctx, order_id=placed[number // 2], to="cancelled")
        return "done"

    assert at_once(20, work).count("done") == 20
    assert (stock(acme, book), stock(acme, pen)) == (90, 90)


def test_cancelling_gives_back_what_was_taken_and_no_more(acme: Any) -> None:
    with acme.ctx() as ctx:
        book, uncounted = make(ctx, inventory=5), make(ctx, sku="U", name="Uncounted")
        order = place(ctx, (book, 2), (uncounted, 7))
        # Counted only since the order: nothing of it was taken, so nothing comes back.
        product_service.update_product(ctx, product_id=uncounted.id, changes={"inventory": 1})
    with acme.ctx() as ctx:
        service.move_order(ctx, order_id=order.id, to="cancelled")
    assert (stock(acme, book), stock(acme, uncounted)) == (5, 1)
    with pytest.raises(errors.TransitionNotAllowed), acme.ctx() as ctx:
        service.move_order(ctx, order_id=order.id, to="cancelled")
    assert stock(acme, book) == 5


def reach(ctx: Any, order_id: UUID, status: str, *, parcel: bool) -> None:
    """Lead an order to `status` by the shortest way."""
    ways = {
        "pending": [],
        "confirmed": ["confirmed"],
        "shipped": ["confirmed", "shipped"],
        "delivered": ["confirmed", "shipped", "delivered"] if parcel else ["confirmed", "delivered"],
        "cancelled": ["cancelled"],
    }
    for step in ways[status]:
        service.move_order(ctx, order_id=order_id, to=step)


@pytest.mark.parametrize("parcel", [True, False])
def test_only_the_listed_transitions_happen(acme: Any, parcel: bool) -> None:
    with acme.ctx() as ctx:
        product = make(ctx, type="physical" if parcel else "ebook")
    for start, to in itertools.product(STATUSES, STATUSES):
        if start == "shipped" and not parcel:
            continue
        allowed = to in TRANSITIONS[start] and not (
            start == "confirmed" and to == ("delivered" if parcel else "shipped")
        )
        with acme.ctx() as ctx:
            order = place(ctx, (product, 1), shipping_address=ADDRESS)
            reach(ctx, order.id, start, parcel=parcel)
            if allowed:
                assert service.move_order(ctx, order_id=order.id, to=to).status == to
                continue
            with pytest.raises(errors.TransitionNotAllowed) as refusal:
                service.move_order(ctx, order_id=order.id, to=to)
            assert refusal.value.extra["allowed"] == list(order.open_transitions)


def test_every_step_is_in_the_history_and_in_the_outbox(acme: Any) -> None:
    with acme.ctx() as ctx:
        order = place(ctx, (make(ctx), 1), shipping_address=ADDRESS)
        reach(ctx, order.id, "delivered", parcel=True)
        history = [(e.from_status, e.to_status) for e in queries.list_events(ctx, order_id=order.id)]
    assert history == [("shipped", "delivered"), ("confirmed", "shipped"), ("pending", "confirmed"), (None, "pending")]
    assert [fact for fact in facts(acme) if "order" in fact] == [
        "store.order.placed.v1",
        "store.order.confirmed.v1",
        "store.order.shipped.v1",
        "store.order.delivered.v1",
    ]


def test_a_parcel_without_an_address_is_not_shipped(acme: Any) -> None:
    with acme.ctx() as ctx:
        order = place(ctx, (make(ctx), 1))
        reach(ctx, order.id, "confirmed", parcel=True)
        with pytest.raises(errors.AddressMissing):
            service.move_order(ctx, order_id=order.id, to="shipped")
        service.update_order(ctx, order_id=order.id, changes={"shipping_address": ADDRESS})
        assert service.move_order(ctx, order_id=order.id, to="shipped").status == "shipped"
        with pytest.raises(errors.OrderClosed):
            service.update_order(ctx, order_id=order.id, changes={"shipping_address": None})


def test_two_who_confirm_at_once_confirm_once(acme: Any) -> None:
    with acme.ctx() as ctx:
        order = place(ctx, (make(ctx), 1))

    def confirm(number: int) -> str:
        try:
            with acme.ctx() as ctx:
                service.move_order(ctx, order_id=order.id, to="confirmed")
        except errors.TransitionNotAllowed:
            return "late"
        return "confirmed"

    assert sorted(at_once(8, confirm)) == ["confirmed"] + ["late"] * 7
    assert facts(acme).count("store.order.confirmed.v1") == 1


def test_a_product_with_orders_is_archived_instead_of_deleted(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        place(ctx, (product, 1))
        kept = product_service.remove_product(ctx, product_id=product.id)
        assert kept is not None
        assert kept.status == "archived"


def test_deleting_waits_for_an_order_that_is_being_placed(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx, inventory=5)
    held, outcome = threading.Event(), []

    def delete() -> None:
        held.wait(10)
        with acme.ctx() as ctx:
            outcome.append(product_service.remove_product(ctx, product_id=product.id))

    thread = threading.Thread(target=delete)
    thread.start()
    with acme.ctx() as ctx:
        place(ctx, (product, 1))
        held.set()
    thread.join(20)
    assert outcome[0] is not None
    assert outcome[0].status == "archived"


def test_orders_are_found_by_customer_state_number_and_time(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        first = place(ctx, (product, 1))
        other = service.place_order(ctx, customer_email="bo@b.example", items=[Wish(product.id, 1)])
        service.move_order(ctx, order_id=other.id, to="confirmed")

        def found(**filters: Any) -> list[int]:
            page = queries.list_orders(ctx, filters=queries.OrderFilter(sort="number", **filters), limit=10)
            return [row.number for row in page.items]

        assert found() == [first.number, other.number]
        assert found(customer_email="ADA@brook.example") == [first.number]
        assert found(status="confirmed") == [other.number]
        assert found(number=first.number) == [first.number]
        assert found(since=ctx.now) == [first.number, other.number]
        assert found(until=ctx.now) == []


def test_another_tenants_order_is_not_there(acme: Any, globex: Any) -> None:
    with acme.ctx() as ctx:
        order = place(ctx, (make(ctx), 1))
    with globex.ctx() as ctx, pytest.raises(NotFound):
        queries.get_order(ctx, order_id=order.id)
    with globex.ctx() as ctx, pytest.raises(NotFound):
        service.move_order(ctx, order_id=order.id, to="confirmed")


def test_a_dedicated_tenant_sells_like_a_pooled_one(initech: Any) -> None:
    with initech.ctx() as ctx:
        book = make(ctx, inventory=1)
        order = place(ctx, (book, 1), shipping_address=ADDRESS)
        reach(ctx, order.id, "delivered", parcel=True)
    assert stock(initech, book) == 0
