"""The document and the application name the same operations, and the document leaves nothing open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.apidocs.spec import document

PREFIX = "/api/v1"
# Addresses below the prefix that are no operations.
NOT_OPERATIONS = {("get", "/api/v1/openapi.json")}
METHODS = ("get", "post", "put", "patch", "delete")
# Objects whose members are the tenant's or the limit's own names, so that they cannot be listed.
FREE_OBJECTS = {"limits", "features", "limit", "mapping", "options", "counts", "totals", "result", "filters", "errors",
                "rows", "step", "columns"}  # fmt: skip


@pytest.fixture(scope="module")
def doc(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return document(app)


def _operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _rules(app: Flask) -> set[tuple[str, str]]:
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(f"{PREFIX}/"):
            path = "".join(f"{{{data}}}" if dynamic else str(data) for dynamic, data in rule._trace if data != "|")
            found |= {(m.lower(), path) for m in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found - NOT_OPERATIONS


def test_every_route_of_the_api_is_in_the_document_and_the_reverse(app: Flask, doc: dict[str, Any]) -> None:
    assert {(method, path) for path, method, _ in _operations(doc)} == _rules(app)


def test_every_operation_has_words_a_name_and_an_example_of_its_answer(doc: dict[str, Any]) -> None:
    missing = []
    for path, method, operation in _operations(doc):
        if not operation.get("summary"):
            missing.append(f"{method} {path}: no summary")
        for status, answer in operation["responses"].items():
            if not status.startswith("2") or "content" not in answer:
                continue
            for media, content in answer["content"].items():
                if "example" not in content and "examples" not in content and not _has_example(doc, content["schema"]):
                    missing.append(f"{method} {path}: no example of {status} {media}")
    assert not missing, "\n".join(missing)


def test_every_body_has_an_example(doc: dict[str, Any]) -> None:
    missing = []
    for path, method, operation in _operations(doc):
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            if "example" not in content and "examples" not in content and not _has_example(doc, content["schema"]):
                missing.append(f"{method} {path}: no example of the body in {media}")
    assert not missing, "\n".join(missing)


def test_every_operation_tells_what_can_go_wrong_as_problem_documents(doc: dict[str, Any]) -> None:
    wrong = []
    for path, method, operation in _operations(doc):
        statuses = set(operation["responses"])
        needed = {"400", "401", "403", "404", "429", "503"} | (
            {"409", "413", "415", "422"} if method != "get" else set()
        )
        wrong += [f"{method} {path}: {status} is not told" for status in sorted(needed - statuses)]
        for status, answer in operation["responses"].items():
            if status >= "400" and set(answer.get("content", {})) != {"application/problem+json"}:
                wrong.append(f"{method} {path}: {status} is no problem document")
    assert not wrong, "\n".join(wrong)


def test_every_object_of_the_document_is_closed(doc: dict[str, Any]) -> None:
    opened = []
    for name, schema in doc["components"]["schemas"].items():
        if (
            schema.get("type") == "object"
            and "properties" in schema
            and schema.get("additionalProperties") is not False
        ):
            opened.append(name)
    assert not opened, f"say `unknown = RAISE` in {sorted(opened)}"


def test_objects_without_listed_members_are_known(doc: dict[str, Any]) -> None:
    free = {
        name
        for schema in doc["components"]["schemas"].values()
        for name, part in schema.get("properties", {}).items()
        if part.get("type") == "object" and "properties" not in part
    }
    assert free <= FREE_OBJECTS


def test_every_id_is_opaque(doc: dict[str, Any]) -> None:
    """No number that counts up leaves the system as an id: it would tell how much there is (DB-16)."""
    wrong = []
    for name, schema in doc["components"]["schemas"].items():
        for field, part in schema.get("properties", {}).items():
            kind = part.get("type")
            if (field == "id" or field.endswith("_id")) and kind != "string" and kind != ["string", "null"]:
                wrong.append(f"{name}.{field}: {kind}")
    assert wrong == []


def test_no_operation_takes_the_tenant_from_the_client(doc: dict[str, Any]) -> None:
    named = [
        f"{method} {path}: {parameter['name']}"
        for path, method, operation in _operations(doc)
        for parameter in operation.get("parameters", ())
        if "tenant" in parameter["name"].lower() and parameter["in"] != "path"
    ]
    assert named == []


def _has_example(doc: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> bool:
    """Say whether an example can be put together from the schema's members."""
    if "$ref" in schema:
        schema = doc["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if depth > 4 or "example" in schema or "enum" in schema or "format" in schema or "default" in schema:
        return True
    members = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return (
        any(_has_example(doc, member, depth + 1) for member in members) if members else schema.get("type") != "object"
    )
