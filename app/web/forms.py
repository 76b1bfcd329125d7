"""What a form page knows of its fields: the values to show and the sentence beside each wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.kit.errors import DomainError

# Never sent back to the browser, whatever the person wrote.
_SECRET = ("password", "token")
# marshmallow's own sentences, in ours. {0}, {1} are the groups of the pattern, {name} the field in words.
_PLAIN = [
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (
            r"Missing data for required field\.|Field may not be null\.|Shorter than minimum length 1\.",
            "Fill in the {name}.",
        ),
        (r"Length must be between 1 and (\d+)\.", "Write the {name} in 1 to {0} characters."),
        (r"Length must be between (\d+) and (\d+)\.", "Write {0} to {1} characters."),
        (r"Shorter than minimum length (\d+)\.", "Write {0} characters or more."),
        (r"Longer than maximum length (\d+)\.", "Write {0} characters at most."),
        (r"Not a valid email address\.", "Write an e-mail address, like ada@example.org."),
        (r"Not a valid integer\.|Not a valid number\.", "Write a number, like 3."),
        (r"Not a valid (?:UUID|choice)\.|Must be one of: .*", "Choose one of the {name} options."),
        (r"Must be greater than or equal to (\S+)\.", "Write a number of {0} or more."),
        (r"Must be less than or equal to (\S+)\.", "Write a number of {0} at most."),
    )
]
_WORDS = {"admin_email": "work e-mail", "email": "e-mail", "slug": "web address", "sku": "SKU"}


@dataclass(frozen=True, slots=True)
class FormState:
    """Values by field name, and errors by field name; the name "" is the form as a whole."""

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def failed(cls, values: Mapping[str, Any], error: DomainError) -> FormState:
        """Build the state of a form whose POST was refused with `error`."""
        errors = {item.pointer.removeprefix("#/").split("/")[0]: item.detail for item in error.errors}
        return cls(values, errors or {"": error.detail or error.title})

    @classmethod
    def invalid(cls, values: Mapping[str, Any], messages: Mapping[Any, Any]) -> FormState:
        """Build the state of a form from marshmallow's messages."""
        named = {"" if name == "_schema" else str(name): told for name, told in messages.items()}
        return cls(values, {name: in_our_words(_first(told), name) for name, told in named.items()})


def _first(told: Any) -> str:
    while isinstance(told, Mapping | list | tuple) and told:
        told = next(iter(told.values())) if isinstance(told, Mapping) else told[0]
    return str(told)


def in_our_words(sentence: str, name: str = "") -> str:
    """Return one of marshmallow's own sentences in ours; any other is returned as it is."""
    words = _WORDS.get(name, name.replace("_", " ") or "form")
    for pattern, ours in _PLAIN:
        found = pattern.fullmatch(sentence)
        if found:
            return ours.format(*found.groups(), name=words)
    return sentence


def field_value(state: FormState | None, name: str, value: Any = None) -> Any:
    """Return what the control `name` shows: what was sent before, else `value`, else nothing."""
    if any(word in name for word in _SECRET):
        return ""
    if state is not None and state.values.get(name) is not None:
        return state.values[name]
    return "" if value is None else value


def field_error(state: FormState | None, name: str, error: str | None = None) -> str:
    """Return the sentence beside the field `name`, or ""."""
    if error is not None:
        return error
    return state.errors.get(name, "") if state is not None else ""


def form_errors(state: FormState | None) -> list[tuple[str, str]]:
    """Return (field, sentence) for the summary on top of the form, in the order they came."""
    return list(state.errors.items()) if state is not None else []
