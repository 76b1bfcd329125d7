"""The fast form of the product list says what the slow form says, field by field."""

from __future__ import annotations

from typing import Any

import orjson

from app.store.products import queries, schemas, service


def test_rows_of_the_list_read_like_single_products(acme: Any) -> None:
    with acme.ctx() as ctx:
        service.create_product(ctx, name="Almanac", sku="A-1", price_minor=990, currency="EUR", category="Nature")
        service.create_product(ctx, name="Vase", sku="V-1", price_minor=500, currency="JPY", inventory=3)
        service.create_product(ctx, name="Ring", sku="R-1", price_minor=1234, currency="KWD", status="draft")
        page = queries.list_products(ctx, filters=queries.ProductFilter(), limit=50)
        fast = schemas.product_rows_json(page.items)
        assert fast == [schemas.product_json(row) for row in page.items]
        found = [queries.get_product(ctx, product_id=row.id) for row in page.items]
        assert fast == [schemas.product_json(product) for product in found]
        assert set(fast[0]) == set(schemas.ProductSchema().fields)
        assert [row["price"] for row in fast] == ["1.234", "500", "9.90"]
        text = orjson.dumps(fast, option=orjson.OPT_UTC_Z).decode()
        assert text.count('Z"') == 6
