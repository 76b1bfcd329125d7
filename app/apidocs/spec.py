"""The OpenAPI document: generated from the code, completed with what every route has in common."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_smorest import Api
from typing_extensions import override
from werkzeug.exceptions import HTTPException

from app.kit.problems import MEDIA_TYPE, ProblemSchema
from tenants.access import Access, access_of

PREFIX = "/api/v1"

# Answers that any route of a kind can give, with what they mean.
_COMMON = {400: "The request could not be read.", 404: "No such thing in this workspace.",
           429: "The rate of the plan is exceeded; `Retry-After` says when to come back.",
           503: "A part we need does not answer; try again."}  # fmt: skip
_SIGNED_IN = {401: "No valid credential.", 403: "The right or the feature is missing."}
_UNSAFE = {402: "A limit of the plan is reached.", 409: "It clashes with the state of things.",
           413: "The body is too large.", 415: "The body is of a type not taken here.",
           422: "Fields need a change; `errors` points at them."}  # fmt: skip
_VERSIONED = {412: "Someone else saved first.", 428: "`If-Match` is missing."}
_UNSAFE_METHODS = ("post", "put", "patch", "delete")


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest's Api with its own error answers switched off: `app.failures` renders all of them."""

    ERROR_SCHEMA = ProblemSchema

    @override
    def _register_error_handlers(self) -> None:
        return

    @override
    def handle_http_exception(self, error: HTTPException) -> Any:
        raise error


def build_api(app: Flask) -> ProblemApi:
    """Attach the API to `app`; blueprints register on what is returned."""
    app.config.update(
        API_TITLE="Terrace",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {
                "description": "Write, approve, sell, license and teach digital content. The host or the token names "
                "the workspace; errors are problem documents; lists are paged by cursor.",
            },
            "components": {
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                },
            },
        },
    )
    api = ProblemApi(app)
    app.extensions["terrace_api"] = api
    return api


def document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document of `app`, complete."""
    found: dict[str, Any] = app.extensions["terrace_api"].spec.to_dict()
    for tag in found.get("tags", []):
        tag["name"] = _tag(tag["name"])
    declared = _declarations(app)
    for path, operations in found.get("paths", {}).items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                operation["tags"] = [_tag(name) for name in operation.get("tags", ())]
                _complete(operation, path, method, declared.get((path, method)))
    return found


def _tag(blueprint: str) -> str:
    """Return the words for a blueprint's name: `signup_api` is "Signup"."""
    return blueprint.removesuffix("_api").replace("_", " ").capitalize()


def _declarations(app: Flask) -> dict[tuple[str, str], Access]:
    found = {}
    for rule in app.url_map.iter_rules():
        declared = access_of(app.view_functions[rule.endpoint])
        if declared:
            path = "".join(f"{{{part}}}" if is_dynamic else part for is_dynamic, part in _parts(rule))
            for method in rule.methods or ():
                found[(path, method.lower())] = declared
    return found


def _parts(rule: Any) -> list[tuple[bool, str]]:
    return [(is_dynamic, str(data)) for is_dynamic, data in rule._trace if str(data) != "|"]


def _complete(operation: dict[str, Any], path: str, method: str, declared: Access | None) -> None:
    answers = dict(_COMMON)
    if declared and declared.signed_in:
        answers |= _SIGNED_IN
        operation["security"] = [{"bearer": []}]
    else:
        operation["security"] = []
        answers |= {401: _SIGNED_IN[401], 403: _SIGNED_IN[403]}
    if method in _UNSAFE_METHODS:
        answers |= _UNSAFE
        _offer_idempotency(operation, method, declared)
    if _takes_if_match(operation):
        answers |= _VERSIONED
    if method == "get" and ("{" not in path or "422" in operation["responses"]):
        answers |= {422: _UNSAFE[422]}
    operation["responses"].pop("default", None)
    for status, text in answers.items():
        known = operation["responses"].get(str(status))
        # flask-smorest refers to its own 422 in plain JSON.
        if known is None or "$ref" in known:
            operation["responses"][str(status)] = _problem(text)
    for status, known in operation["responses"].items():
        if status >= "400" and "content" not in known:
            operation["responses"][status] = _problem(known["description"])


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _takes_if_match(operation: dict[str, Any]) -> bool:
    return any(p.get("name", "").lower() == "if-match" for p in operation.get("parameters", ()))


def _offer_idempotency(operation: dict[str, Any], method: str, declared: Access | None) -> None:
    parameters = operation.setdefault("parameters", [])
    known = any(p.get("name", "").lower() == "idempotency-key" for p in parameters)
    if method in ("post", "patch") and declared and declared.idempotent and not known:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "Sent again with the same body, the request has its effect once.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
                "required": False,
                "example": "5b1f2d1e-0001",
            }
        )
