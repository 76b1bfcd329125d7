"""What several routes of the document have in common: headers in and out, and examples."""

from __future__ import annotations

from typing import Any

IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag of what you changed; another version is refused with 412.",
    "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'},
    "example": '"1"',
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "Sent again with the same body, the request has its effect once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "example": "5b1f2d1e-7f6a-4a53-9d36-0f3d5a1f6c55",
}
ETAG = {"ETag": {"description": "The version; send it back as If-Match.", "schema": {"type": "string"}}}
CREATED = {**ETAG, "Location": {"description": "Where it is.", "schema": {"type": "string"}}}

PRODUCT: dict[str, Any] = {
    "id": "0199f3a2-7c1e-7b44-8a52-1f0c6a4e9d01",
    "type": "physical",
    "name": "Harbour Lights, hardcover",
    "sku": "NB-2038-H",
    "description": "",
    "category": "Fiction",
    "price": "32.00",
    "currency": "EUR",
    "inventory": 12,
    "status": "active",
    "created_at": "2026-11-20T16:48:00Z",
    "updated_at": "2026-11-20T16:48:00Z",
    "version": 1,
}
NEW_PRODUCT: dict[str, Any] = {
    "name": "Harbour Lights, hardcover",
    "sku": "NB-2038-H",
    "category": "Fiction",
    "price": "32.00",
    "currency": "EUR",
    "inventory": 12,
}
INVENTORY: dict[str, Any] = {
    "inventory": 12,
    "items": [
        {
            "id": "0199f3a2-7c1e-7b44-8a52-1f0c6a4e9d21",
            "kind": "ordered",
            "quantity": -3,
            "order_id": "0199f3a2-7c1e-7b44-8a52-1f0c6a4e9d11",
            "actor_name": "Ada Brook",
            "note": "Order 1042",
            "at": "2026-11-20T16:48:00Z",
        }
    ],
    "next_cursor": None,
}
NEW_CONTENTS: dict[str, Any] = {"parts": [{"product_id": "0199f3a2-7c1e-7b44-8a52-1f0c6a4e9d01", "quantity": 2}]}
CONTENTS: dict[str, Any] = {
    "parts": [{**NEW_CONTENTS["parts"][0], "name": "Harbour Lights, hardcover", "sku": "NB-2038-H", "inventory": 12}]
}
ADDRESS: dict[str, Any] = {
    "street": "Oudegracht 118",
    "city": "Utrecht",
    "state": "",
    "zip": "3511 AW",
    "country": "NL",
}
ORDER: dict[str, Any] = {
    "id": "0199f3a2-9d10-7e02-b1c4-52d1f6a7c0aa",
    "number": 1042,
    "status": "pending",
    "payment_status": "unpaid",
    "customer_email": "ada@brook.example",
    "customer_name": "Ada Brook",
    "customer_reference": None,
    "items": [
        {
            "kind": "product",
            "product_id": PRODUCT["id"],
            "product_name": PRODUCT["name"],
            "sku": PRODUCT["sku"],
            "quantity": 1,
            "price": "32.00",
            "subtotal": "32.00",
        }
    ],
    "total_amount": "32.00",
    "currency": "EUR",
    "shipping_address": ADDRESS,
    "note": "",
    "source": "api",
    "external_ref": None,
    "allowed_transitions": ["confirmed", "cancelled"],
    "placed_at": "2026-11-20T16:48:00Z",
    "created_at": "2026-11-20T16:48:00Z",
    "updated_at": "2026-11-20T16:48:00Z",
    "version": 1,
}
ORDER_SUMMARY = {
    name: ORDER[name]
    for name in (
        "id", "number", "status", "payment_status", "customer_email", "customer_name", "customer_reference",
        "total_amount", "currency", "source", "external_ref", "placed_at", "created_at", "updated_at", "version",
    )
}  # fmt: skip
NEW_ORDER: dict[str, Any] = {
    "customer_email": "ada@brook.example",
    "items": [{"product_id": PRODUCT["id"], "quantity": 1}],
    "shipping_address": ADDRESS,
}
