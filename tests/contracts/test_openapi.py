"""The API keeps to its own document: a fuzzer calls every operation and compares each answer with what is promised.

`SCHEMATHESIS_EXAMPLES` sets how many requests an operation gets in each mode.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from app.apidocs.spec import document
from tenants.access import access_of
from tests.isolation.calls import APEX
from tests.isolation.neighbours import Neighbour
from tests.isolation.recipes import path_kind

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
SHARDS = 4
load_all_checks()
NAMES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
         "response_schema_conformance")  # fmt: skip
_CHECKED = [CHECKS.get_one(name) for name in NAMES]


def _operations(app: Flask) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document(app))
    schema.app = app
    operations: list[Any] = list(schema.get_all_operations())
    return [found.ok() for found in operations]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_answer_is_one_that_the_document_promises(
    fuzzed: tuple[Flask, Neighbour], forget_tries: Any, shard: int
) -> None:
    app, home = fuzzed
    findings = []
    for operation in sorted(_operations(app), key=lambda o: (o.path, o.method))[shard::SHARDS]:
        forget_tries()
        findings += _fuzz(app, home, operation)
    assert not findings, "\n\n".join(findings)


def _fuzz(app: Flask, home: Neighbour, operation: Any) -> list[str]:
    """Return what is wrong with the operation's answers, one entry a kind."""
    rule = operation.path.replace("{", "<uuid:").replace("}", ">")
    endpoint = next(
        r.endpoint
        for r in app.url_map.iter_rules()
        if operation.method.upper() in (r.methods or ()) and r.rule.replace("<slug>", "<uuid:slug>") == rule
    )
    found: dict[str, str] = {}
    sent = 0

    def attempt(case: Any) -> None:
        nonlocal sent
        sent += 1
        if sent % 3:
            _use_real_things(case, home, endpoint)
        try:
            _send(app, home, endpoint, case)
        except (AssertionError, BaseExceptionGroup) as error:
            found.setdefault(_kind_of(error), f"{operation.method.upper()} {operation.path}: {_told(error)}")

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        _run(operation, mode, attempt)
    return list(found.values())


def _run(operation: Any, mode: GenerationMode, attempt: Any) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        attempt(case)

    # An operation without anything to get wrong has no negative cases.
    with contextlib.suppress(Unsatisfiable):
        run()


def _told(error: BaseException) -> str:
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return "; ".join(f"{type(part).__name__} {part}" for part in parts)[:2000]


def _kind_of(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return " ".join(sorted({type(one).__name__ for one in error.exceptions}))
    return type(error).__name__


def _use_real_things(case: Any, home: Neighbour, endpoint: str) -> None:
    """Name things that exist: most code lies behind a thing that is found."""
    for name in case.path_parameters or ():
        value = home.live.get(str(path_kind(endpoint, name)))
        if value:
            case.path_parameters[name] = value


def _send(app: Flask, home: Neighbour, endpoint: str, case: Any) -> None:
    access = access_of(app.view_functions[endpoint])
    assert access is not None
    headers = {"Authorization": f"Bearer {home.people['owner'].token}"} if access.signed_in else {}
    host = APEX if access.host == "apex" else home.host
    case.call_and_validate(base_url=f"http://{host}", headers=headers, checks=_CHECKED)
