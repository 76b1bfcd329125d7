"""JSON of the stock ledger and of what is in a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.kit.fields import REQUIRED, Choice, Text, Whole
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from app.store.answers import in_utc
from app.store.products.models import MAX_INVENTORY, Product
from app.store.products.stock.models import BY_HAND, KINDS, MAX_PART_QUANTITY, MAX_PARTS


class _Closed(Schema):
    class Meta:
        """Refuse unknown fields."""

        unknown = RAISE


class NewMovement(_Closed):
    """What changed on the shelf: so many came in or were lost, or so many were counted."""

    kind = Choice((*BY_HAND, "counted"), **REQUIRED)
    quantity = Whole(least=0, most=MAX_INVENTORY, **REQUIRED, metadata={"example": 12})
    note = Text(longest=500, blank=True, load_default="")

    @validates_schema
    def check_quantity(self, data: dict[str, Any], **_: Any) -> None:
        """Only a count may be nought."""
        if data.get("kind") in BY_HAND and data.get("quantity") == 0:
            raise ValidationError({"quantity": ["Write how many, 1 or more."]})


class MovementQuery(_Closed):
    """Which page of the movements."""

    cursor = fields.String(metadata={"description": "`next_cursor` of the page before."})
    limit = Whole(least=1, most=MAX_LIMIT, text=True, load_default=DEFAULT_LIMIT)


class MovementSchema(_Closed):
    """One change of a product's stock."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": KINDS})
    quantity = fields.Integer(required=True, metadata={"example": -3})
    order_id = fields.UUID(required=True, allow_none=True)
    actor_name = fields.String(required=True)
    note = fields.String(required=True)
    at = fields.DateTime(required=True)


class InventorySchema(_Closed):
    """How many of a product there are, and one page of how that came about, the newest first."""

    inventory = fields.Integer(required=True, allow_none=True)
    items = fields.List(fields.Nested(MovementSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NewPart(_Closed):
    """So many of one product."""

    product_id = fields.UUID(**REQUIRED)
    quantity = Whole(least=1, most=MAX_PART_QUANTITY, **REQUIRED)


class NewContents(_Closed):
    """What is in a bundle."""

    parts = fields.List(
        fields.Nested(NewPart),
        **REQUIRED,
        validate=validate.Length(max=MAX_PARTS, error=f"A bundle holds up to {MAX_PARTS} products."),
    )


class PartSchema(NewPart):
    """So many of one product, with its name."""

    name = fields.String(required=True)
    sku = fields.String(required=True)
    inventory = fields.Integer(required=True, allow_none=True)


class ContentsSchema(_Closed):
    """What is in a bundle, in its order."""

    parts = fields.List(fields.Nested(PartSchema), required=True)


def movement_json(row: Any) -> dict[str, Any]:
    """Return a movement as the document describes it."""
    return {
        "id": row.id,
        "kind": row.kind,
        "quantity": row.quantity,
        "order_id": row.order_id,
        "actor_name": row.actor_name,
        "note": row.note,
        "at": in_utc(row.at),
    }


def parts_json(parts: Iterable[tuple[Product, int]]) -> dict[str, Any]:
    """Return what is in a bundle as the document describes it."""
    return {
        "parts": [
            {
                "product_id": product.id,
                "quantity": quantity,
                "name": product.name,
                "sku": product.sku,
                "inventory": product.inventory,
            }
            for product, quantity in parts
        ]
    }
