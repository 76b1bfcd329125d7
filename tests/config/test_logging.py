"""Log lines: one JSON object each, with the fields of the contract, unforgeable and without row values."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from config.logging import JsonFormatter, begin_log_fields, bind_log_fields, reset_log_fields


@pytest.fixture
def lines() -> Any:
    """Return a logger and a function that returns its lines as objects."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("tests.logging")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel("INFO")
    begin_log_fields()
    return logger, lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_carries_the_bound_fields(lines: Any) -> None:
    logger, read = lines
    token = bind_log_fields(tenant_id="t", tenant_tier="basic", request_id="r", function="f")
    logger.info("request", extra={"status": 200, "duration_ms": 1.5})
    reset_log_fields(token)
    logger.info("after")
    first, second = read()
    assert {
        "timestamp",
        "level",
        "message",
        "tenant_id",
        "tenant_tier",
        "function",
        "status",
        "duration_ms",
        "request_id",
    } <= set(first)
    assert "tenant_id" not in second


def test_a_new_request_does_not_inherit_the_last_ones_tenant(lines: Any) -> None:
    logger, read = lines
    begin_log_fields(request_id="1")
    bind_log_fields(tenant_id="acme")
    begin_log_fields(request_id="2")
    logger.info("x")
    assert read()[0].get("tenant_id") is None


def test_a_value_cannot_forge_a_line(lines: Any) -> None:
    logger, read = lines
    logger.info('evil\n{"level": "error"}\x1b[31m', extra={"user": "a\r\nb"})
    assert len(read()) == 1


def test_an_exception_shows_its_kind_and_place_and_not_its_text(lines: Any) -> None:
    logger, read = lines
    try:
        raise ValueError("card 4242 4242")
    except ValueError:
        logger.exception("failed")
    line = read()[0]
    assert line["exception"] == "ValueError"
    assert "4242" not in json.dumps(line)
    assert line["trace"]
