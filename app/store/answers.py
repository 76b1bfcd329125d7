"""Answers of the JSON door: encoded once, with the version as `ETag`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response

from app.kit.concurrency import etag


def instant(value: datetime) -> str:
    """Return an instant in the one form of the API: UTC, RFC 3339."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_utc(value: datetime) -> datetime:
    """Return an instant as `answer` writes it in the one form of the API; where it is UTC already it costs nothing."""
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def answer(body: Any, status: int = 200, *, version: int | None = None, location: str | None = None) -> Response:
    """Return `body` as JSON; `version` becomes the `ETag`, `location` says where a new thing is."""
    response = Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, mimetype="application/json")
    if version is not None:
        response.headers["ETag"] = etag(version)
    if location is not None:
        response.headers["Location"] = location
    return response
