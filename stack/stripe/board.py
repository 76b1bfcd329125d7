"""The board: what accounts there are, what happened in them, where each event went; and two buttons."""

import json
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from stack.stripe import events, money
from stack.stripe.double import Double

_SHOWN = 50
_STEPS = {"hour": 3_600, "day": 86_400, "month": 30 * 86_400}


def create_board(double: Double) -> Blueprint:
    """Build the pages."""
    board = Blueprint("board", __name__)

    @board.get("/")
    def index() -> str:
        return render_template("accounts.html", accounts=double.accounts())

    @board.get("/accounts/<account>")
    def account(account: str) -> str:
        _known(double, account)
        with double.call(account) as call:
            rows = call.db.execute(
                "SELECT body FROM object WHERE account = ? AND type = 'event' ORDER BY seq DESC LIMIT ?",
                (account, _SHOWN),
            ).fetchall()
            shown = [_event(json.loads(row["body"])) for row in rows]
            for event in shown:
                event["deliveries"] = call.db.execute(
                    "SELECT state, attempts FROM delivery WHERE account = ? AND event = ?", (account, event["id"])
                ).fetchall()
            now = _time(call.now)
        return render_template("account.html", account=account, now=now, events=shown, steps=_STEPS)

    @board.post("/accounts/<account>/clock")
    def advance(account: str) -> Response:
        _known(double, account)
        double.advance(account, _STEPS.get(request.form.get("step", ""), 0))
        return redirect(url_for(".account", account=account), code=303)

    @board.post("/accounts/<account>/events/<key>/resend")
    def resend(account: str, key: str) -> Response:
        _known(double, account)
        with double.call(account) as call:
            event = call.find("event", key)
            if event is None:
                abort(404)
            for endpoint in call.where("webhook_endpoint", "status", "enabled"):
                events.address(call, event, endpoint["id"], again=True)
        return redirect(url_for(".account", account=account), code=303)

    return board


def _known(double: Double, account: str) -> None:
    if account not in double.accounts():
        abort(404)


def _event(event: dict[str, Any]) -> dict[str, Any]:
    obj = event["data"]["object"]
    amount = obj.get("amount_total", obj.get("amount"))
    return {
        "id": event["id"],
        "type": event["type"],
        "at": _time(event["created"]),
        "object": obj["id"],
        "amount": money.shown(amount, obj["currency"]) if amount is not None and obj.get("currency") else "",
    }


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
