"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, current_app, render_template

from app.apidocs.spec import PREFIX, document
from tenants.access import public

apidocs = Blueprint("apidocs", __name__, template_folder="templates")


@apidocs.get(f"{PREFIX}/openapi.json")
@public("The contract is for everybody who writes a client", host="any")
def openapi() -> Response:
    """Send the OpenAPI 3.1 document."""
    if "terrace_openapi" not in current_app.extensions:
        current_app.extensions["terrace_openapi"] = orjson.dumps(document(current_app))
    body: bytes = current_app.extensions["terrace_openapi"]
    return Response(body, mimetype="application/json", headers={"Cache-Control": "public, max-age=300"})


@apidocs.get("/api/docs")
@public("The contract is for everybody who writes a client", host="any")
def docs() -> str:
    """Show the document as a page, from local assets alone."""
    spec = document(current_app)
    return render_template("apidocs/docs.html", spec=spec, groups=_groups(spec))


def _groups(spec: dict[str, object]) -> dict[str, list[tuple[str, str, dict[str, object]]]]:
    """Order the operations by their tag."""
    found: dict[str, list[tuple[str, str, dict[str, object]]]] = {}
    paths: dict[str, dict[str, dict[str, object]]] = spec.get("paths", {})  # type: ignore[assignment]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                tags: list[str] = operation.get("tags", ["Other"])  # type: ignore[assignment]
                found.setdefault(tags[0], []).append((method, path, operation))
    return found
