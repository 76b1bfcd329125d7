"""JSON of what an import made and changed."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from app.imports.models import ACTIONS, KINDS, UNDO_STATES, ImportChange
from app.imports.schemas import PageQuery
from app.kit.fields import Choice
from app.kit.money import to_decimal

_MONEY = {"price_minor": "price", "total_minor": "total_amount"}


class ChangedSchema(Schema):
    """Fields of a product or an order, those that the change is about."""

    name = fields.String()
    price = fields.String(metadata={"example": "19.99"})
    currency = fields.String(metadata={"example": "EUR"})
    inventory = fields.Integer(allow_none=True)
    category = fields.String()
    description = fields.String()
    type = fields.String()
    status = fields.String()
    total_amount = fields.String(metadata={"example": "39.98"})
    lines = fields.Integer()
    placed_at = fields.String()


class ChangeSchema(Schema):
    """One thing that was made or changed, or that a trial would."""

    row = fields.Integer(required=True, metadata={"example": 17})
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    action = fields.String(required=True, metadata={"enum": list(ACTIONS)})
    id = fields.UUID(required=True, allow_none=True)
    label = fields.String(required=True, metadata={"example": "HL-1"})
    before = fields.Nested(ChangedSchema, required=True)
    after = fields.Nested(ChangedSchema, required=True)
    undo_state = fields.String(required=True, allow_none=True, metadata={"enum": [*UNDO_STATES, None]})
    undo_note = fields.String(required=True, metadata={"example": "Order 1042 has it."})


class ChangePage(Schema):
    """One page of changes."""

    items = fields.List(fields.Nested(ChangeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ChangeQuery(PageQuery):
    """Which changes of an import."""

    kind = Choice(KINDS, load_default="product")
    action = Choice(ACTIONS, load_default="changed")
    undo_state = Choice(
        ("kept",), load_default="", metadata={"description": "`kept`: only what an undoing could not take back."}
    )


def change_json(change: ImportChange) -> dict[str, Any]:
    """Return a change as `ChangeSchema` says."""
    return {
        "row": change.row_number,
        "kind": change.kind,
        "action": change.action,
        "id": change.target_id,
        "label": change.label,
        "before": _changed_json(change.before),
        "after": _changed_json(change.after),
        "undo_state": change.undo_state,
        "undo_note": change.undo_note,
    }


def _changed_json(values: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in values.items() if name not in _MONEY}
    for minor, name in _MONEY.items():
        if minor in values:
            found[name] = to_decimal(values[minor], values["currency"])
    return found
