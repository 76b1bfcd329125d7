"""The API door: who asks, whether it was asked before, what goes wrong on order, and the answer."""

import json
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from stack.stripe import form, ids, keys
from stack.stripe.call import API_VERSION, Obj, public
from stack.stripe.double import Double
from stack.stripe.errors import Refused, unknown_key
from stack.stripe.expand import expanded
from stack.stripe.faults import Fault
from stack.stripe.listing import Handler
from stack.stripe.params import Params
from stack.stripe.resources import ROUTES

_SECRET = re.compile(r"sk_test_([A-Za-z0-9_]{1,100})")
_MAJOR = API_VERSION.partition(".")[2]
_LARGEST = 1_000_000


def create_api(double: Double) -> Blueprint:
    """Build the door."""
    api = Blueprint("api", __name__)
    for method, rule, handler in ROUTES:
        endpoint = f"{method} {rule}".replace(".", "-")
        api.add_url_rule(rule, endpoint, _view(double, handler), methods=[method], provide_automatic_options=False)

    @api.route("/v1/", defaults={"_rest": ""}, methods=["GET", "POST", "DELETE"])
    @api.route("/v1/<path:_rest>", methods=["GET", "POST", "DELETE"])
    def unrecognized(_rest: str) -> Response:
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return _refusal(Refused(message, status=404), ids.make("req_"))

    return api


def _view(double: Double, handler: Handler) -> Any:
    def view(key: str = "") -> Response:
        number = ids.make("req_")
        try:
            return _answer(double, handler, key, number)
        except Refused as refused:
            return _refusal(refused, number)

    return view


@dataclass(frozen=True)
class _Asked:
    """One call, as it came."""

    account: str
    number: str
    # The idempotency key, which only calls that change something have.
    once: str | None
    tree: dict[str, Any]
    fault: Fault | None

    @property
    def mark(self) -> str:
        return keys.fingerprint(request.method, request.path, self.tree)


def _answer(double: Double, handler: Handler, key: str, number: str) -> Response:
    account = _account(double)
    once = (request.headers.get("Idempotency-Key") or None) if request.method == "POST" else None
    fault = double.faults.take(account, f"{request.method} {request.path}")
    asked = _Asked(account, number, once, _tree(), fault)
    if fault and fault.kind == "rate_limit":
        raise Refused("Request rate limit exceeded.", status=429, code="rate_limit")
    with double.keys.held(account, once):
        if fault and fault.kind == "slow":
            double.faults.hang(account, fault.seconds)
        if fault and not fault.effect:
            return _refusal(_broken(), number) if fault.kind == "error" else _cut()
        # What was due is done first: nobody pays at a checkout that has expired a moment ago.
        double.catch_up(account)
        return _saved(double, asked) or _fresh(double, asked, handler, key)


def _saved(double: Double, asked: _Asked) -> Response | None:
    if asked.once is None:
        return None
    with double.call(asked.account, key=asked.once) as call:
        saved = keys.find(call, request.path, asked.mark)
    return _reply(saved.status, saved.body, asked.number, original=saved.request) if saved else None


def _fresh(double: Double, asked: _Asked, handler: Handler, key: str) -> Response:
    try:
        with double.call(asked.account, request=asked.number, key=asked.once) as call:
            params = Params(asked.tree)
            paths = params.texts("expand") or []
            obj = handler(call, params, key)
            # What nobody asked for is found out only now, and then nothing has happened.
            params.finish()
            status, body = 200, _dump(public(expanded(call, obj, paths)))
            if asked.fault and asked.fault.kind == "error":
                status, body = 500, _dump(_broken().body)
            if asked.once:
                keys.save(call, request.path, asked.mark, status, body)
    except Refused as refused:
        if asked.once and refused.executed:
            with double.call(asked.account, request=asked.number, key=asked.once) as call:
                keys.save(call, request.path, asked.mark, refused.status, _dump(refused.body))
        raise
    if asked.fault and asked.fault.kind == "cut":
        return _cut()
    return _reply(status, body, asked.number)


def _broken() -> Refused:
    return Refused(
        "An unknown error occurred. This one was ordered from the stand-in for Stripe.", status=500, kind="api_error"
    )


def _cut() -> Response:
    """Close the connection without a word, which the client sees as a broken one."""
    connection = request.environ.get("werkzeug.socket")
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response("")


def _account(double: Double) -> str:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not given:
        basic = request.authorization
        given = (basic.username or "") if basic and basic.type == "basic" else ""
    if not given:
        raise Refused(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if given.startswith("pk_"):
        raise Refused(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
            status=401,
            code="secret_key_required",
        )
    found = _SECRET.fullmatch(given)
    if found is None:
        raise unknown_key(given)
    if double.manners(found[1]).revoked:
        raise Refused(f"Expired API Key provided: {given[:8]}****{given[-4:]}", status=401, code="api_key_expired")
    return found[1]


def _tree() -> dict[str, Any]:
    version = request.headers.get("Stripe-Version")
    if version and version.partition(".")[2] != _MAJOR:
        raise Refused(f"Invalid Stripe API version: {version}. This stand-in speaks {API_VERSION} only.")
    if request.method != "POST":
        return form.parse(request.query_string.decode("latin-1"))
    if (request.content_length or 0) > _LARGEST:
        raise Refused("The request is too large.", status=413)
    if request.mimetype not in {"", "application/x-www-form-urlencoded"}:
        raise Refused(
            f"Invalid Content-Type: {request.mimetype}; v1 of the API takes application/x-www-form-urlencoded."
        )
    try:
        return form.parse(request.get_data(cache=True).decode())
    except UnicodeDecodeError as error:
        raise Refused("The request is not UTF-8.") from error


def _refusal(refused: Refused, number: str) -> Response:
    return _reply(refused.status, _dump(refused.body), number)


def _reply(status: int, body: str, number: str, *, original: str | None = None) -> Response:
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Request-Id"] = number
    response.headers["Stripe-Version"] = API_VERSION
    if request.headers.get("Idempotency-Key"):
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    if original:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = original
    return response


def _dump(body: Obj) -> str:
    return json.dumps(body, indent=2)
