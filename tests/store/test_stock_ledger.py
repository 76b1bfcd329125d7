"""The stock ledger: a product's number is the sum of its movements, whatever is done to it."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from app.kit.errors import Invalid
from app.store.orders import placing, service
from app.store.products import queries as products
from app.store.products import service as product_service
from app.store.products.errors import NotForSale, OutOfStock, PriceChanged
from app.store.products.models import Product
from app.store.products.stock import queries
from app.store.products.stock import service as stock
from app.store.products.stock.errors import NotCounted
from app.store.products.stock.models import StockMovement
from app.store.products.stock.offer import Wish
from tests.store import support

_numbers = itertools.count(1)


def make(ctx: Any, **values: Any) -> Product:
    """Add a product with a SKU of its own."""
    return support.make(ctx, **{"sku": f"S-{next(_numbers)}"} | values)


def left(ctx: Any, product: Product) -> int | None:
    """Return what is left of a product."""
    return products.get_product(ctx, product_id=product.id, fresh=True).inventory


def told(ctx: Any, product: Product) -> list[tuple[str, int]]:
    """Return the movements of a product, the oldest first."""
    rows = queries.list_movements(ctx, product_id=product.id, limit=50).items
    return [(row.kind, row.quantity) for row in reversed(rows)]


def order(ctx: Any, *wishes: tuple[Product, int]) -> Any:
    """Order so many of each product."""
    items = [Wish(product.id, quantity) for product, quantity in wishes]
    return placing.place_order(ctx, customer_email="ada@brook.example", items=items)


def bundle(ctx: Any, *parts: tuple[Product, int], **values: Any) -> Product:
    """Make a bundle."""
    made = make(ctx, type="bundle", inventory=None, **values)
    stock.set_parts(ctx, bundle_id=made.id, parts=[(part.id, quantity) for part, quantity in parts])
    return made


@pytest.fixture(params=["pooled", "dedicated"])
def house(request: pytest.FixtureRequest, acme: Any, initech: Any) -> Any:
    """Return a tenant of each kind."""
    return acme if request.param == "pooled" else initech


def test_everything_that_happens_to_a_product_adds_up(house: Any) -> None:
    with house.ctx() as ctx:
        product = make(ctx, inventory=10)
        taken = order(ctx, (product, 3))
        stock.adjust_stock(ctx, product_id=product.id, kind="received", quantity=5)
        stock.adjust_stock(ctx, product_id=product.id, kind="lost", quantity=1, note="fell off the shelf")
        stock.adjust_stock(ctx, product_id=product.id, kind="counted", quantity=9)
        service.move_order(ctx, order_id=taken.id, to="cancelled")
        product_service.update_product(ctx, product_id=product.id, changes={"inventory": 20})
        assert left(ctx, product) == 20
        assert told(ctx, product) == [
            ("opening", 10), ("ordered", -3), ("received", 5), ("lost", -1), ("counted", -2), ("released", 3),
            ("counted", 8),
        ]  # fmt: skip
        assert queries.find_differences(ctx) == {}


def test_a_product_that_is_no_longer_counted_has_a_sum_of_nought(house: Any) -> None:
    with house.ctx() as ctx:
        product = make(ctx, inventory=4)
        taken = order(ctx, (product, 1))
        product_service.update_product(ctx, product_id=product.id, changes={"inventory": None})
        with pytest.raises(NotCounted):
            stock.adjust_stock(ctx, product_id=product.id, kind="received", quantity=1)
        service.move_order(ctx, order_id=taken.id, to="cancelled")
        assert left(ctx, product) is None
        product_service.update_product(ctx, product_id=product.id, changes={"inventory": 2})
        assert sum(quantity for _, quantity in told(ctx, product)) == 2
        assert queries.find_differences(ctx) == {}


def test_the_ledger_begins_with_what_was_there_before_it(house: Any) -> None:
    with house.ctx() as ctx:
        product = make(ctx, inventory=7)
        # As the release before the ledger left it.
        ctx.db.execute(delete(StockMovement).where(StockMovement.tenant_id == ctx.tenant.id))
        ctx.db.execute(update(Product).where(Product.tenant_id == ctx.tenant.id).values(stock_opened=False))
        order(ctx, (product, 2))
        assert sorted(told(ctx, product)) == [("opening", 7), ("ordered", -2)]
        assert left(ctx, product) == 5
        assert queries.find_differences(ctx) == {}


def test_a_recount_finds_a_number_that_was_written_past_the_ledger(house: Any) -> None:
    with house.ctx() as ctx:
        product = make(ctx, inventory=7)
        ctx.db.execute(update(Product).where(Product.tenant_id == ctx.tenant.id).values(inventory=6))
        assert queries.find_differences(ctx) == {product.id: (6, 7)}


def test_nobody_changes_what_the_ledger_says(house: Any) -> None:
    with house.ctx() as ctx:
        make(ctx, inventory=7)
    forged = update(StockMovement).values(quantity=1)
    with pytest.raises(DBAPIError) as refusal, house.ctx() as ctx:
        ctx.db.execute(forged.where(StockMovement.tenant_id == ctx.tenant.id))
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_bundle_takes_its_parts_and_gives_them_back(house: Any) -> None:
    with house.ctx() as ctx:
        book, pen, download = make(ctx, inventory=5), make(ctx, inventory=9), make(ctx, type="ebook", inventory=None)
        box = bundle(ctx, (book, 1), (pen, 3), (download, 1))
        taken = order(ctx, (box, 2), (pen, 1))
        assert (left(ctx, book), left(ctx, pen), left(ctx, download)) == (3, 2, None)
        service.move_order(ctx, order_id=taken.id, to="cancelled")
        assert (left(ctx, book), left(ctx, pen)) == (5, 9)
        assert queries.find_differences(ctx) == {}


def test_lines_and_bundles_are_counted_together(house: Any) -> None:
    with house.ctx() as ctx:
        pen = make(ctx, inventory=4, name="Pen")
        box = bundle(ctx, (pen, 2), name="Box")
        for wishes in ([(box, 2), (pen, 1)], [(pen, 3), (pen, 2)], [(box, 1), (pen, 1), (pen, 2)]):
            with pytest.raises(OutOfStock) as refusal:
                order(ctx, *wishes)
            assert {error.pointer for error in refusal.value.errors} == {
                f"#/items/{at}/quantity" for at in range(len(wishes))
            }
        assert "Pen (in Box): 4 left." in str(refusal.value.detail)
        assert left(ctx, pen) == 4
        order(ctx, (box, 1), (pen, 2))
        assert left(ctx, pen) == 0


def test_what_cannot_be_in_a_bundle_is_refused(house: Any) -> None:
    with house.ctx() as ctx:
        pen = make(ctx, inventory=4)
        box = bundle(ctx, (pen, 1))
        for parts in ([(box.id, 1)], [(pen.id, 1), (pen.id, 2)], [(UUID(int=1), 1)]):
            with pytest.raises(Invalid):
                stock.set_parts(ctx, bundle_id=box.id, parts=parts)
        with pytest.raises(Invalid):
            stock.set_parts(ctx, bundle_id=pen.id, parts=[])
        with pytest.raises(Invalid) as refusal:
            product_service.update_product(ctx, product_id=pen.id, changes={"type": "bundle"})
        assert [error.pointer for error in refusal.value.errors] == ["#/type"]
        empty = bundle(ctx)
        with pytest.raises(NotForSale):
            order(ctx, (empty, 1))


def test_a_price_that_is_no_longer_true_is_told_and_nothing_is_taken(house: Any) -> None:
    with house.ctx() as ctx:
        pen = make(ctx, inventory=4, price_minor=250, currency="EUR", name="Pen")
        with pytest.raises(PriceChanged, match=r"Pen now costs 2.50 EUR."):
            placing.place_order(ctx, customer_email="a@b.example", items=[Wish(pen.id, 1, price="2.00")])
        placing.place_order(ctx, customer_email="a@b.example", items=[Wish(pen.id, 1, price="2.50")])
        assert left(ctx, pen) == 3
