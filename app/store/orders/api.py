"""The JSON door of orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.kit.concurrency import ANY_VERSION, if_match
from app.store import apidoc
from app.store.answers import answer
from app.store.orders import placing, queries, schemas, service
from app.store.orders.errors import KeyMissing
from app.store.orders.models import SalesOrder
from app.store.products.stock.offer import Wish
from tenants.access import access
from tenants.edge import current

blp = Blueprint("orders", __name__, url_prefix="/api/v1/orders", description="What was ordered.")


@blp.get("")
@blp.arguments(schemas.OrderQuery, location="query", unknown=RAISE)
@blp.response(200, schemas.OrderPage, example={"items": [apidoc.ORDER_SUMMARY], "next_cursor": None})
@access("orders.read")
def list_orders(query: dict[str, Any]) -> Response:
    """List orders without their lines, page by page."""
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    page = queries.list_orders(current(), filters=queries.OrderFilter(**query), cursor=cursor, limit=limit)
    return answer({"items": [schemas.summary_json(row) for row in page.items], "next_cursor": page.next_cursor})


@blp.post("")
@blp.arguments(schemas.NewOrder, example=apidoc.NEW_ORDER)
@blp.doc(parameters=[apidoc.IDEMPOTENCY_KEY])
@blp.response(201, schemas.OrderSchema, example=apidoc.ORDER, headers=apidoc.CREATED)
@access("orders.write")
def place_order(values: dict[str, Any]) -> Response:
    """Place an order: stock is taken, prices and the total are the server's."""
    if not request.headers.get("Idempotency-Key"):
        raise KeyMissing("Send an Idempotency-Key, such as a UUID, so that a retry does not order twice.")
    items = [Wish(**item) for item in values.pop("items")]
    order = placing.place_order(current(), items=items, source="api", **values)
    return _one(order, 201, location=f"{request.path}/{order.id}")


@blp.get("/<uuid:order_id>")
@blp.response(200, schemas.OrderSchema, example=apidoc.ORDER, headers=apidoc.ETAG)
@access("orders.read")
def get_order(order_id: UUID) -> Response:
    """Show one order with its lines."""
    return _one(queries.get_order(current(), order_id=order_id))


@blp.put("/<uuid:order_id>")
@blp.arguments(schemas.OrderReplacement, example={"shipping_address": apidoc.ADDRESS, "note": "Leave at the desk."})
@blp.doc(parameters=[apidoc.IF_MATCH])
@blp.response(200, schemas.OrderSchema, example=apidoc.ORDER, headers=apidoc.ETAG)
@access("orders.write")
def replace_order(values: dict[str, Any], order_id: UUID) -> Response:
    """Replace address and note of an order; everything else stays as it was agreed."""
    return _change(order_id, values)


@blp.patch("/<uuid:order_id>")
@blp.arguments(schemas.OrderChange, example={"note": "Leave at the desk."})
@blp.doc(parameters=[apidoc.IF_MATCH])
@blp.response(200, schemas.OrderSchema, example=apidoc.ORDER, headers=apidoc.ETAG)
@access("orders.write")
def change_order(values: dict[str, Any], order_id: UUID) -> Response:
    """Change address or note of an order; everything else stays as it was agreed."""
    return _change(order_id, values)


@blp.post("/<uuid:order_id>/transitions")
@blp.arguments(schemas.OrderTransition, example={"to": "confirmed"})
@blp.response(200, schemas.OrderSchema, example=apidoc.ORDER, headers=apidoc.ETAG)
@access("orders.write")
def move_order(values: dict[str, Any], order_id: UUID) -> Response:
    """Take an order to its next state. `allowed_transitions` of the order says where it may go."""
    header = request.headers.get("If-Match")
    versions = if_match(header) if header else ANY_VERSION
    return _one(service.move_order(current(), order_id=order_id, versions=versions, **values))


def _change(order_id: UUID, values: dict[str, Any]) -> Response:
    versions = if_match(request.headers.get("If-Match"))
    return _one(service.update_order(current(), order_id=order_id, changes=values, versions=versions))


def _one(order: SalesOrder, status: int = 200, location: str | None = None) -> Response:
    return answer(schemas.order_json(order), status, version=order.row_version, location=location)
