"""The JSON door of products."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.kit.concurrency import if_match
from app.kit.query_strings import QueryParser
from app.store import apidoc
from app.store.answers import answer
from app.store.products import queries, schemas, service
from app.store.products.models import Product
from tenants.access import access
from tenants.edge import current

blp = Blueprint("products", __name__, url_prefix="/api/v1/products", description="What is sold.")
blp.ARGUMENTS_PARSER = QueryParser()


@blp.get("")
@blp.arguments(schemas.ProductQuery(), location="query", unknown=RAISE)
@blp.response(200, schemas.ProductPage, example={"items": [apidoc.PRODUCT], "next_cursor": None})
@access("products.read")
def list_products(query: dict[str, Any]) -> Response:
    """List products, page by page."""
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    page = queries.list_products(current(), filters=queries.ProductFilter(**query), cursor=cursor, limit=limit)
    return answer({"items": schemas.product_rows_json(page.items), "next_cursor": page.next_cursor})


@blp.post("")
@blp.arguments(schemas.NewProduct, example=apidoc.NEW_PRODUCT)
@blp.response(201, schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.CREATED)
@access("products.write")
def create_product(values: dict[str, Any]) -> Response:
    """Add a product."""
    product = service.create_product(current(), **values)
    return _one(product, 201, location=f"{request.path}/{product.id}")


@blp.get("/<uuid:product_id>")
@blp.response(200, schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.ETAG)
@access("products.read")
def get_product(product_id: UUID) -> Response:
    """Show one product."""
    return _one(queries.get_product(current(), product_id=product_id))


@blp.put("/<uuid:product_id>")
@blp.arguments(schemas.ProductReplacement, example=apidoc.NEW_PRODUCT)
@blp.doc(parameters=[apidoc.IF_MATCH])
@blp.response(200, schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.ETAG)
@access("products.write")
def replace_product(values: dict[str, Any], product_id: UUID) -> Response:
    """Replace all fields of a product; `If-Match` names the version that you changed."""
    return _change(product_id, values)


@blp.patch("/<uuid:product_id>")
@blp.arguments(schemas.ProductChange, example={"inventory": 40})
@blp.doc(parameters=[apidoc.IF_MATCH])
@blp.response(200, schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.ETAG)
@access("products.write")
def change_product(values: dict[str, Any], product_id: UUID) -> Response:
    """Change some fields of a product; `If-Match` names the version that you changed."""
    if "price" in values:
        # The price came alone: it is in the product's own currency.
        product = queries.get_product(current(), product_id=product_id)
        values["price_minor"] = schemas.minor_units(values.pop("price"), product.currency)
    return _change(product_id, values)


@blp.delete("/<uuid:product_id>")
@blp.response(204, description="Deleted, or archived because orders refer to it.")
@access("products.write")
def remove_product(product_id: UUID) -> Response:
    """Delete a product that was never ordered; archive one that was. A wrong `If-Match`, if sent, is refused."""
    header = request.headers.get("If-Match")
    service.remove_product(current(), product_id=product_id, **({"versions": if_match(header)} if header else {}))
    return Response(status=204)


@blp.post("/<uuid:product_id>/restoration")
@blp.response(200, schemas.ProductSchema, example=apidoc.PRODUCT, headers=apidoc.ETAG)
@access("products.write")
def restore_product(product_id: UUID) -> Response:
    """Bring an archived product back."""
    return _one(service.restore_product(current(), product_id=product_id))


def _change(product_id: UUID, values: dict[str, Any]) -> Response:
    versions = if_match(request.headers.get("If-Match"))
    return _one(service.update_product(current(), product_id=product_id, changes=values, versions=versions))


def _one(product: Product, status: int = 200, location: str | None = None) -> Response:
    return answer(schemas.product_json(product), status, version=product.row_version, location=location)
