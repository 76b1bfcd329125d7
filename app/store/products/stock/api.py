"""The JSON door of stock: how many there are and why, and what is in a bundle."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.store import apidoc
from app.store.answers import answer
from app.store.products import queries as products
from app.store.products import schemas as product_schemas
from app.store.products.stock import queries, schemas, service
from tenants.access import access
from tenants.edge import current

blp = Blueprint("stock", __name__, url_prefix="/api/v1/products", description="How many there are, and why.")


@blp.get("/<uuid:product_id>/inventory")
@blp.arguments(schemas.MovementQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.InventorySchema, example=apidoc.INVENTORY)
@access("products.read")
def get_inventory(query: dict[str, Any], product_id: UUID) -> Response:
    """Show how many of a product there are, and every change that made it so."""
    ctx = current()
    product = products.get_product(ctx, product_id=product_id)
    page = queries.list_movements(ctx, product_id=product_id, cursor=query.get("cursor"), limit=query["limit"])
    return answer(
        {
            "inventory": product.inventory,
            "items": [schemas.movement_json(row) for row in page.items],
            "next_cursor": page.next_cursor,
        }
    )


@blp.post("/<uuid:product_id>/inventory")
@blp.arguments(schemas.NewMovement, example={"kind": "received", "quantity": 12, "note": "Delivery 7731"})
@blp.response(200, product_schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.ETAG)
@access("products.write")
def adjust_stock(values: dict[str, Any], product_id: UUID) -> Response:
    """Book what came in or was lost, or what was counted. Send an Idempotency-Key, so that a retry books once."""
    product = service.adjust_stock(current(), product_id=product_id, **values)
    return answer(product_schemas.product_json(product), version=product.row_version)


@blp.get("/<uuid:product_id>/parts")
@blp.response(200, schemas.ContentsSchema, example=apidoc.CONTENTS)
@access("products.read")
def get_parts(product_id: UUID) -> Response:
    """Show what is in a bundle; nothing, for any other product."""
    ctx = current()
    products.get_product(ctx, product_id=product_id)
    return answer(schemas.parts_json(queries.list_parts(ctx, bundle_id=product_id)))


@blp.put("/<uuid:product_id>/parts")
@blp.arguments(schemas.NewContents, example=apidoc.NEW_CONTENTS)
@blp.response(200, schemas.ContentsSchema, example=apidoc.CONTENTS)
@access("products.write")
def set_parts(values: dict[str, Any], product_id: UUID) -> Response:
    """Say what is in a bundle. Orders that were placed keep what they took."""
    ctx = current()
    service.set_parts(ctx, bundle_id=product_id, parts=[(p["product_id"], p["quantity"]) for p in values["parts"]])
    return answer(schemas.parts_json(queries.list_parts(ctx, bundle_id=product_id)))
