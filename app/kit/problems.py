"""Problem documents (RFC 9457): the one shape of every error under `/api/`."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response
from marshmallow import Schema, fields

from app.kit.errors import DomainError, FieldError

MEDIA_TYPE = "application/problem+json"


def problem(error: DomainError, *, instance: str, request_id: str) -> Response:
    """Render `error` as a problem document."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail or error.title,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }
    if error.errors:
        body["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in error.errors]
    return Response(orjson.dumps(body), error.status, headers=error.headers, mimetype=MEDIA_TYPE)


def field_errors(messages: Any, path: str = "#") -> list[FieldError]:
    """Flatten marshmallow's nested messages into pointers and sentences."""
    if isinstance(messages, dict):
        found = []
        for key, inner in messages.items():
            step = path if key in ("_schema", "json", "query", "form", "files", "headers") else f"{path}/{_escape(key)}"
            found.extend(field_errors(inner, step))
        return found
    if isinstance(messages, list | tuple):
        return [error for inner in messages for error in field_errors(inner, path)]
    return [FieldError(path, str(messages))]


def _escape(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


class FieldErrorSchema(Schema):
    """One wrong field."""

    pointer = fields.String(required=True, metadata={"example": "#/items/0/quantity"})
    detail = fields.String(required=True, metadata={"example": "Write a whole number from 1 to 1000000."})


class ProblemSchema(Schema):
    """An error."""

    type = fields.String(required=True, metadata={"example": "/problems/validation.failed"})
    title = fields.String(required=True, metadata={"example": "Some fields need a change"})
    status = fields.Integer(required=True, metadata={"example": 422})
    detail = fields.String(required=True, metadata={"example": "Some fields need a change"})
    instance = fields.String(required=True, metadata={"example": "/api/v1/products"})
    code = fields.String(required=True, metadata={"example": "validation.failed"})
    request_id = fields.String(required=True, metadata={"example": "3f0c9f6e-1f5b-4a53-9d36-0f3d5a1f6c55"})
    errors = fields.List(fields.Nested(FieldErrorSchema))
    limit = fields.Dict()
    who_can_raise = fields.List(fields.String())
    upgrade_url = fields.String()
    allowed = fields.List(fields.String(), metadata={"description": "What would be taken instead."})
    grace_ends_at = fields.String(metadata={"description": "Until when an expired token may still sign out."})
