"""Orders: stock, snapshots, totals, numbers and the path of states."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.kit.errors import Forbidden, Invalid, NotFound
from app.store.orders import errors, placing, queries, service
from app.store.orders.models import FIRST_NUMBER, MAX_TOTAL, STATUSES, TRANSITIONS, SalesOrder
from app.store.products import queries as products
from app.store.products import service as product_service
from app.store.products.errors import NotForSale
from app.store.products.models import Product
from app.store.products.stock.offer import Wish
from tenants.context import Actor
from tests.store.support import facts, make

ADDRESS = {"street": "Oudegracht 118", "city": "Utrecht", "zip": "3511 AW", "country": "NL"}


def place(ctx: Any, *wishes: tuple[Product, int], **options: Any) -> SalesOrder:
    """Place an order of Ada's."""
    items = [Wish(product.id, quantity) for product, quantity in wishes]
    return placing.place_order(ctx, customer_email="Ada@Brook.example", items=items, **options)


def stock(house: Any, product: Product) -> int | None:
    """Return what is left of a product."""
    with house.ctx() as ctx:
        return products.get_product(ctx, product_id=product.id).inventory


def test_numbers_follow_each_other_in_each_tenant(acme: Any, globex: Any) -> None:
    for house in (acme, globex):
        with house.ctx() as ctx:
            product = make(ctx)
            numbers = [place(ctx, (product, 1)).number for _ in range(3)]
        assert numbers == [FIRST_NUMBER, FIRST_NUMBER + 1, FIRST_NUMBER + 2]


def test_unknown_and_foreign_products_are_refused_alike(acme: Any, globex: Any) -> None:
    with globex.ctx() as ctx:
        foreign = make(ctx)
    told = []
    for product_id in (foreign.id, uuid4()):
        with pytest.raises(Invalid) as refusal, acme.ctx() as ctx:
            placing.place_order(ctx, customer_email="a@b.example", items=[Wish(product_id, 1)])
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
            assert refusal.value.extra["allowed"] == list(queries.get_order(ctx, order_id=order.id).open_transitions)


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


def test_a_product_with_orders_is_archived_instead_of_deleted(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        place(ctx, (product, 1))
        kept = product_service.remove_product(ctx, product_id=product.id)
        assert kept is not None
        assert kept.status == "archived"


def test_orders_are_found_by_customer_state_number_and_time(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        first = place(ctx, (product, 1))
        other = placing.place_order(ctx, customer_email="bo@b.example", items=[Wish(product.id, 1)])
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


def test_nobody_acts_without_the_permission(acme: Any) -> None:
    with acme.ctx() as ctx:
        product = make(ctx)
        order = place(ctx, (product, 1))
    reader = Actor(kind="user", id=uuid4(), permissions=frozenset({"products.read", "orders.read"}))
    attempts = [
        lambda ctx: place(ctx, (product, 1)),
        lambda ctx: service.move_order(ctx, order_id=order.id, to="confirmed"),
        lambda ctx: service.update_order(ctx, order_id=order.id, changes={"note": "x"}),
        lambda ctx: service.mark_paid(ctx, order_id=order.id),
        lambda ctx: service.add_note(ctx, order_id=order.id, text="x"),
        lambda ctx: make(ctx, sku="other"),
        lambda ctx: product_service.update_product(ctx, product_id=product.id, changes={"name": "x"}),
        lambda ctx: product_service.remove_product(ctx, product_id=product.id),
        lambda ctx: product_service.restore_product(ctx, product_id=product.id),
        lambda ctx: product_service.change_many(ctx, ids=[product.id], action="archive"),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden), acme.ctx(actor=reader) as ctx:
            attempt(ctx)
