"""Query strings that were read before: the same meaning again, for each reader its own."""

from __future__ import annotations

import pytest
from flask import Flask
from marshmallow import RAISE, Schema, fields
from werkzeug.exceptions import UnprocessableEntity

from app.kit.query_strings import QueryParser


class Wanted(Schema):
    limit = fields.Integer(load_default=50)


class Strict(Schema):
    limit = fields.Integer(required=True)


def read(parser: QueryParser, schema: Schema, text: str) -> dict[str, object]:
    with Flask("query").test_request_context(f"/?{text}"):
        found = parser.parse(schema, location="query", unknown=RAISE)
    assert isinstance(found, dict)
    return found


def test_what_one_reader_takes_out_is_there_for_the_next() -> None:
    parser, schema = QueryParser(), Wanted()
    read(parser, schema, "limit=7").pop("limit")
    assert read(parser, schema, "limit=7") == {"limit": 7}


def test_a_query_string_means_what_its_schema_says() -> None:
    parser = QueryParser()
    assert read(parser, Wanted(), "") == {"limit": 50}
    with pytest.raises(UnprocessableEntity):
        read(parser, Strict(), "")


def test_a_wrong_query_string_is_refused_each_time() -> None:
    parser, schema = QueryParser(), Wanted()
    for _ in range(2):
        with pytest.raises(UnprocessableEntity):
            read(parser, schema, "limitt=7")


def test_a_long_query_string_is_read_but_not_remembered() -> None:
    parser, schema = QueryParser(), Wanted()
    before = QueryParser._read.cache_info().currsize
    assert read(parser, schema, "limit=7" + "&" * 200) == {"limit": 7}
    assert QueryParser._read.cache_info().currsize == before
