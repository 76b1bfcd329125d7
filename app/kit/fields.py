"""Marshmallow fields that refuse what cannot be stored or shown, with a pattern that says the same in OpenAPI."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate
from typing_extensions import override

from app.kit.money import currencies

# NUL and its like: PostgreSQL refuses the first, and none of them can be seen.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_LINE_CONTROL = r"\x00-\x1f\x7f"
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")
_DIGITS = re.compile(r"[0-9]{1,18}")
_EMAIL_SIGNS = r'[^@\s\x00-\x1f\x7f<>()\[\],;:\\"]'
_EMAIL = rf"^{_EMAIL_SIGNS}{{1,64}}@{_EMAIL_SIGNS}{{1,185}}\.[A-Za-z0-9-]{{2,63}}$"


class Text(fields.String):
    """Text without invisible characters, trimmed; `lines=True` allows more than one line."""

    def __init__(self, *, longest: int, lines: bool = False, blank: bool = False, **options: Any) -> None:
        self.longest, self.blank = longest, blank
        control = _CONTROL if lines else _LINE_CONTROL
        middle = "" if blank else rf"[^\s{control}][^{control}]*"
        pattern = rf"^[^{control}]*{middle}$"
        self.pattern = re.compile(pattern.removesuffix("$") + r"\Z")
        metadata = {"maxLength": longest, "pattern": pattern} | options.pop("metadata", {})
        if not blank:
            metadata.setdefault("minLength", 1)
        super().__init__(metadata=metadata, **options)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        text = text.replace("\r\n", "\n")
        if len(text) > self.longest:
            raise ValidationError(f"Write {self.longest:,} characters at most.")
        if not self.blank and not text.strip():
            raise ValidationError("Write something here.")
        if not self.pattern.match(text) or not _encodes(text):
            raise ValidationError("Leave out control characters.")
        return text.strip()


class Email(Text):
    """One e-mail address."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": _EMAIL, "minLength": 6} | options.pop("metadata", {})
        super().__init__(longest=254, metadata=metadata, **options)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(_EMAIL, text):
            raise ValidationError("Write an e-mail address, like ada@example.com.")
        return text


class Currency(fields.String):
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        metadata = {"minLength": 3, "maxLength": 3, "example": "EUR", "enum": sorted(currencies())}
        super().__init__(metadata=metadata | options.pop("metadata", {}), **options)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if code not in currencies():
            raise ValidationError("Write a three-letter currency code, like EUR.")
        return code


class Amount(fields.String):
    """A decimal string such as "19.99"; its currency stands beside it, so the schema turns it into minor units."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": r"^[0-9]{1,15}(\.[0-9]{1,10})?$", "example": "19.99"}
        super().__init__(metadata=metadata | options.pop("metadata", {}), **options)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        # A JSON number would pass through a binary float on its way here.
        if not isinstance(value, str):
            raise ValidationError('Send the amount as text, like "14.90".')
        if not _AMOUNT.fullmatch(value.strip()):
            raise ValidationError("Write a number, like 14.90.")
        return value.strip()


class Whole(fields.Integer):
    """A whole number within bounds; `text=True` for addresses, where every value is text."""

    def __init__(self, *, least: int, most: int, text: bool = False, **options: Any) -> None:
        self.text = text
        told = f"Write a whole number from {least:,} to {most:,}."
        super().__init__(
            strict=True,
            validate=validate.Range(min=least, max=most, error=told),
            error_messages={"invalid": told, "too_large": told} | options.pop("error_messages", {}),
            **options,
        )

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if self.text and isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        elif isinstance(value, float) and value.is_integer():
            # JSON knows one kind of number: 3.0 is the whole number three.
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Choice(fields.String):
    """One of few words."""

    def __init__(self, words: tuple[str, ...], **options: Any) -> None:
        told = f"Choose one of: {', '.join(words)}."
        super().__init__(validate=validate.OneOf(words, error=told), **options)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_NEEDED = "This is needed."
REQUIRED: dict[str, Any] = {"required": True, "error_messages": {"required": _NEEDED, "null": _NEEDED}}
