"""Log lines: one JSON object each, with the fields of the contract, unforgeable and without row values."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
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


def test_a_full_disk_costs_log_lines_and_nothing_else(tmp_path: Path) -> None:
    program = """
import logging, resource
from prometheus_client import REGISTRY
from config.logging import configure_logging
configure_logging()
log = logging.getLogger("tests")
log.info("one")
resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
for _ in range(3):
    log.info("lost")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("two")
print(REGISTRY.get_sample_value("terrace_log_lines_dropped_total"))
"""
    out = tmp_path / "log"
    with out.open("wb") as stderr:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        root = Path(__file__).parents[2]
        said = subprocess.run([sys.executable, "-c", program], cwd=root, env=env, stdout=-1, stderr=stderr, check=True)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["message"], line.get("lines")) for line in lines] == [
        ("one", None),
        ("two", None),
        ("Log lines were dropped", 3),
    ]
    assert said.stdout.decode().strip() == "3.0"
