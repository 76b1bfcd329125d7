"""The doors together: the API for programs, the payment page for buyers, the board for people, control for tests."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from stack.stripe.api import create_api
from stack.stripe.board import create_board
from stack.stripe.checkout import create_checkout
from stack.stripe.control import create_control
from stack.stripe.double import Double
from stack.stripe.sender import Sender

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(double: Double) -> Flask:
    """Build the doors over one stand-in, and begin to send."""
    app = Flask(__name__)
    sender = Sender(double)
    app.register_blueprint(create_api(double))
    app.register_blueprint(create_checkout(double))
    app.register_blueprint(create_board(double))
    app.register_blueprint(create_control(double, sender))

    @app.before_request
    def refuse_other_sites() -> None:
        host = urlsplit(f"//{request.host}").hostname
        # A foreign name that points here, or a form on a foreign page, must not pay or bend anything.
        if host not in {"127.0.0.1", "localhost"}:
            abort(403)
        if request.method != "GET" and request.headers.get("Origin", request.host_url[:-1]) != request.host_url[:-1]:
            abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Not "no-referrer": with that, a form of our own page would come from the origin "null".
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app
