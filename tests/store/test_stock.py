"""Stock: taken and given back exactly, whoever comes at the same time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.store.orders import errors, placing, queries, service
from app.store.orders.models import FIRST_NUMBER, SalesOrder
from app.store.products import queries as products
from app.store.products import service as product_service
from app.store.products.errors import OutOfStock
from app.store.products.models import Product
from app.store.products.stock.offer import Wish
from tenants import quotas
from tenants.errors import LimitExceeded
from tests.store.support import at_once, facts, make

ADDRESS = {"street": "Oudegracht 118", "city": "Utrecht", "zip": "3511 AW", "country": "NL"}


def place(ctx: Any, *wishes: tuple[Product, int], **options: Any) -> SalesOrder:
    """Place an order of Ada's."""
    items = [Wish(product.id, quantity) for product, quantity in wishes]
    return placing.place_order(ctx, customer_email="Ada@Brook.example", items=items, **options)


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
