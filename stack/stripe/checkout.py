"""The payment page: for people and tests to say what becomes of a payment. Works without JavaScript."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stack.stripe import buying, money, ways
from stack.stripe.call import Obj
from stack.stripe.double import Double

_LONGEST = 200


def create_checkout(double: Double) -> Blueprint:
    """Build the pages."""
    pages = Blueprint("checkout", __name__)

    @pages.get("/c/pay/<key>")
    def show(key: str) -> Response:
        account = _account(double, key)
        double.catch_up(account)
        with double.call(account) as call:
            session = call.get("checkout.session", key)
            intent = call.find("payment_intent", session["payment_intent"] or "")
        return _page(session, error=_last_error(intent))

    @pages.post("/c/pay/<key>")
    def pay(key: str) -> AnyResponse:
        account = _account(double, key)
        double.catch_up(account)
        with double.call(account) as call:
            session = call.get("checkout.session", key)
            way, email = _way(session), request.form.get("email", "").strip()[:_LONGEST]
            name = request.form.get("name", "").strip()[:_LONGEST] or None
            if way is None or "@" not in email:
                return _page(session, error="Write an e-mail address, and choose how to pay.", status=422)
            try:
                intent = buying.pay(call, session, way, email=email, name=name)
            except buying.Closed as closed:
                return _page(session, error=str(closed), status=409)
        return _onward(session, intent)

    @pages.get("/c/pay/<key>/authentication")
    def ask(key: str) -> Response:
        with double.call(_account(double, key)) as call:
            session = call.get("checkout.session", key)
        return _framed("authentication.html", session)

    @pages.post("/c/pay/<key>/authentication")
    def authenticate(key: str) -> AnyResponse:
        account = _account(double, key)
        double.catch_up(account)
        with double.call(account) as call:
            session = call.get("checkout.session", key)
            try:
                intent = buying.authenticate(call, session, passed=request.form.get("passed") == "yes")
            except buying.Closed as closed:
                return _page(session, error=str(closed), status=409)
        return _onward(session, intent)

    return pages


def _account(double: Double, key: str) -> str:
    """Return whose session that is: its id is secret enough to be the only thing that a buyer shows."""
    with double.store.transaction() as db:
        row = db.execute("SELECT account FROM object WHERE id = ? AND type = 'checkout.session'", (key,)).fetchone()
    if row is None:
        abort(404)
    return str(row["account"])


def _way(session: Obj) -> ways.Way | None:
    found = ways.WAYS.get(request.form.get("way", ""))
    return found if found in _offered(session) else None


def _offered(session: Obj) -> list[ways.Way]:
    possible = session["payment_method_types"]
    return [
        way
        for way in ways.WAYS.values()
        if ways.kind_of(way, session["currency"]) in possible
        and not (way.delayed and ways.kind_of(way, session["currency"]) == "card")
    ]


def _onward(session: Obj, intent: Obj | None) -> AnyResponse:
    if intent is not None and intent["status"] == "requires_action":
        return redirect(url_for(".ask", key=session["id"]), code=303)
    if session["status"] == "complete":
        return redirect(_back(session["success_url"], session), code=303)
    return redirect(url_for(".show", key=session["id"]), code=303)


def _back(address: str, session: Obj) -> str:
    return address.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _last_error(intent: Obj | None) -> str | None:
    failed = intent and intent["status"] == "requires_payment_method" and intent["last_payment_error"]
    return str(failed["message"]) if failed else None


def _page(session: Obj, *, error: str | None = None, status: int = 200) -> Response:
    return _framed("pay.html", session, error=error, status=status)


def _framed(template: str, session: Obj, *, error: str | None = None, status: int = 200) -> Response:
    code = session["currency"]
    page = render_template(
        template,
        session=session,
        error=error,
        ways=_offered(session),
        chosen=request.form.get("way", "accepted"),
        email=request.form.get("email") or (session["customer_details"] or {}).get("email") or "",
        total=money.shown(session["amount_total"], code),
        lines=[(line, money.shown(line["amount_total"], code)) for line in session["_line_items"]],
        success=_back(session["success_url"], session),
        cancel=session["cancel_url"] and _back(session["cancel_url"], session),
    )
    response = make_response(page, status)
    # Browsers hold a form to its policy through every redirect, and the last one leads back to the shop.
    shop = urlsplit(session["success_url"])
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {shop.scheme}://{shop.netloc}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return response
