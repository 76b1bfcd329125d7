"""What the list pages share: reading a person's address line kindly, and what stands around the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError

from app.kit import forms
from app.web.templating import here_with


@dataclass(frozen=True, slots=True)
class Tab:
    """One saved view above a list."""

    label: str
    href: str
    count: int | None
    current: bool


def read_query(schema: Schema, args: Mapping[str, str]) -> dict[str, Any]:
    """Return what `schema` makes of the query; a person's mistyped parameter is left out, never an error page."""
    kept = {name: args[name] for name in args if name in schema.load_fields}
    try:
        return forms.load(schema, kept)
    except ValidationError as error:
        wrong = error.messages_dict
        return forms.load(schema, {name: value for name, value in kept.items() if name not in wrong})


def tab(label: str, count: int | None, *, current: bool, **query: str | None) -> Tab:
    """Return the view that `query` selects; it keeps what was searched for and starts at the first page."""
    return Tab(label, here_with(cursor=None, open=None, **query), count, current)
