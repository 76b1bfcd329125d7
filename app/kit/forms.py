"""HTML forms read by marshmallow schemas: blanks are absent, digits are numbers, numbered fields are rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

_WHOLE = re.compile(r"[+-]?\d{1,18}")


def load(schema: Schema, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what `schema` makes of `form`; only the schema's own fields are read.

    Raises marshmallow's ValidationError.
    """
    values = {name: _typed(form[name], field) for name, field in schema.load_fields.items() if name in form}
    loaded: dict[str, Any] = schema.load({name: value for name, value in values.items() if value is not None})
    return loaded


def numbered_rows(form: Mapping[str, str], *names: str, most: int) -> dict[int, dict[str, str]]:
    """Return the rows of a form that repeats its fields as `name-0`, `name-1`, …; blank rows are left out."""
    found = {}
    for number in range(most):
        row = {name: form.get(f"{name}-{number}", "").strip() for name in names}
        if any(row.values()):
            found[number] = row
    return found


def _typed(text: str, field: Any) -> Any:
    text = text.strip() if not isinstance(field, fields.String) else text
    if text.strip() == "":
        # An emptied text field means "no text"; an emptied number, date or choice means "none given".
        return "" if _takes_blank(field) else None
    if isinstance(field, fields.Integer) and _WHOLE.fullmatch(text):
        return int(text)
    return text


def _takes_blank(field: Any) -> bool:
    return bool(getattr(field, "blank", False))
