"""Reading the query strings of hot lists: what one means depends on nothing but its text, so it is worked out once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Request, request
from marshmallow import Schema
from typing_extensions import override
from webargs.flaskparser import FlaskParser

# Longer ones (a cursor, a search) are hardly ever sent twice.
_SHORT = 100


class QueryParser(FlaskParser):
    """webargs' parser, which remembers the short query strings it has read; to be a blueprint's ARGUMENTS_PARSER."""

    @override
    def parse(self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any) -> Any:
        text = (req or request).query_string
        if location != "query" or not isinstance(argmap, Schema) or len(text) > _SHORT:
            return super().parse(argmap, req, location=location, **options)
        # A copy: views take out of it what they need.
        return dict(self._read(argmap, text, options.get("unknown")))

    @lru_cache(maxsize=1024)  # noqa: B019 (one parser a blueprint, as long as the process)
    def _read(self, schema: Schema, text: bytes, unknown: str | None) -> dict[str, Any]:
        found: dict[str, Any] = super().parse(schema, location="query", unknown=unknown)
        return found
