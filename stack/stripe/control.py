"""The control door, `/_control/<account>/…`: what tests bend and look at, for one account at a time."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from stack.stripe import disputes, endpoints, events
from stack.stripe.call import Call
from stack.stripe.double import Double
from stack.stripe.errors import Refused
from stack.stripe.faults import Fault
from stack.stripe.manners import Misspelt
from stack.stripe.sender import Sender

_LONGEST_WAIT = 60.0
_MOST_SECONDS = 10 * 366 * 86_400
_MOST_COPIES = 100


def create_control(double: Double, sender: Sender) -> Blueprint:
    """Build the door."""
    control = Blueprint("control", __name__, url_prefix="/_control/<account>")
    _add_behaviour(control, double)
    _add_deliveries(control, double, sender)
    _add_happenings(control, double)

    @control.errorhandler(Misspelt)
    def misspelt(error: Misspelt) -> tuple[Response, int]:
        return jsonify({"error": {"message": str(error)}}), 400

    @control.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return jsonify(error.body), error.status

    return control


def _add_behaviour(control: Blueprint, double: Double) -> None:
    @control.get("/manners")
    def show_manners(account: str) -> Response:
        return jsonify(asdict(double.manners(account)))

    @control.patch("/manners")
    def set_manners(account: str) -> Response:
        with double.call(account) as call:
            call.behave(**_given())
        return jsonify(asdict(double.manners(account)))

    @control.get("/clock")
    def show_clock(account: str) -> Response:
        with double.call(account) as call:
            return jsonify({"now": call.now})

    @control.post("/clock")
    def advance(account: str) -> Response:
        seconds = _whole(_given(), "advance", most=_MOST_SECONDS)
        return jsonify({"now": double.advance(account, seconds)})

    @control.get("/faults")
    def show_faults(account: str) -> Response:
        return jsonify([asdict(fault) for fault in double.faults.left(account)])

    @control.post("/faults")
    def add_fault(account: str) -> Response:
        fault = Fault.read(_given())
        double.faults.order(account, fault)
        return jsonify(asdict(fault))

    @control.delete("/faults")
    def clear_faults(account: str) -> tuple[str, int]:
        double.faults.clear(account)
        return "", 204


def _add_deliveries(control: Blueprint, double: Double, sender: Sender) -> None:
    @control.get("/deliveries")
    def show_deliveries(account: str) -> Response:
        with double.call(account) as call:
            return jsonify(_log(call, request.args.get("event"), request.args.get("state")))

    @control.post("/settle")
    def settle(account: str) -> tuple[Response, int]:
        within = min(float(_given().get("within", _LONGEST_WAIT)), _LONGEST_WAIT)
        done = sender.settle(account, within=within)
        return jsonify({"settled": done}), 200 if done else 504

    @control.post("/events/<key>/resend")
    def resend(account: str, key: str) -> Response:
        wishes = _given()
        copies = _whole(wishes, "copies", most=_MOST_COPIES, usual=1)
        with double.call(account) as call:
            event = call.get("event", key)
            ends = call.where("webhook_endpoint", "status", "enabled")
            chosen = [each["id"] for each in ends if wishes.get("endpoint") in {None, each["id"]}]
            made = [events.address(call, event, end, again=True) for end in chosen for _ in range(copies)]
        return jsonify({"deliveries": made})

    @control.post("/webhook_endpoints/<key>/roll")
    def roll(account: str, key: str) -> Response:
        expires_in = _whole(_given(), "expires_in", most=_MOST_SECONDS, usual=24 * 3_600)
        with double.call(account) as call:
            return jsonify({"secret": endpoints.roll(call, key, expires_in=expires_in)})


def _add_happenings(control: Blueprint, double: Double) -> None:
    @control.post("/disputes")
    def open_dispute(account: str) -> Response:
        wishes = _given()
        with double.call(account) as call:
            charge = (
                wishes.get("charge") or call.get("payment_intent", wishes.get("payment_intent", ""))["latest_charge"]
            )
            return jsonify(disputes.open_dispute(call, charge, reason=wishes.get("reason", "fraudulent")))

    @control.post("/disputes/<key>/close")
    def close_dispute(account: str, key: str) -> Response:
        with double.call(account) as call:
            return jsonify(disputes.close_dispute(call, key, won=bool(_given().get("won"))))


def _log(call: Call, event: str | None, state: str | None) -> list[dict[str, Any]]:
    """Return the deliveries with their attempts, in the order in which they were made."""
    rows = call.db.execute(
        "SELECT delivery.*, json_extract(body, '$.type') AS type FROM delivery"
        " JOIN object ON object.account = delivery.account AND object.id = event"
        " WHERE delivery.account = ? AND (event = ? OR ? IS NULL) AND (state = ? OR ? IS NULL) ORDER BY delivery.rowid",
        (call.account, event, event, state, state),
    ).fetchall()
    shown = ("id", "event", "type", "endpoint", "state", "due_at")
    return [{**{name: row[name] for name in shown}, "attempts": _attempts(call, row["id"])} for row in rows]


def _attempts(call: Call, delivery: str) -> list[dict[str, Any]]:
    rows = call.db.execute(
        "SELECT at, status, said, took_ms FROM attempt WHERE delivery = ? ORDER BY rowid", (delivery,)
    )
    return [dict(row) for row in rows]


def _given() -> dict[str, Any]:
    body = request.get_json(silent=True, force=True) if request.get_data(cache=True) else {}
    if not isinstance(body, dict):
        raise Misspelt("The body of a control call is a JSON object.")
    return body


def _whole(wishes: dict[str, Any], name: str, *, most: int, usual: int | None = None) -> int:
    value = wishes.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Misspelt(f"{name} is a whole number from 0 to {most}.")
    return value
