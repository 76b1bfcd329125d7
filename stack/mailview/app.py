"""The web side of the mailbox: a list, one mail, and the same as JSON for tests."""

import io
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from stack.mailview.store import Mail, Store

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A mail is somebody else's page: no script, nothing fetched, links open outside of the frame.
_MAIL_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_MAIL_POLICY = f"sandbox {_MAIL_SANDBOX}; default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def create_app(store: Store) -> Flask:
    """Build the page over a store."""
    app = Flask(__name__)
    app.jinja_env.globals["sandbox"] = _MAIL_SANDBOX

    @app.before_request
    def refuse_other_sites() -> None:
        host = urlsplit(f"//{request.host}").hostname
        # A foreign name that points here, or a form on a foreign page, must not read or delete mail.
        if host not in {"127.0.0.1", "localhost"}:
            abort(403)
        if (
            request.method not in {"GET", "HEAD"}
            and request.headers.get("Origin", request.host_url[:-1]) != (request.host_url[:-1])
        ):
            abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Not "no-referrer": with that, a form of our own page would come from the origin "null".
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    _add_pages(app, store)
    _add_api(app, store)
    return app


def _add_pages(app: Flask, store: Store) -> None:
    @app.get("/")
    def index() -> str:
        return render_template("list.html", mails=store.newest_first())

    @app.get("/messages/<key>")
    def message(key: str) -> str:
        return render_template("mail.html", mail=_found(store, key))

    @app.get("/messages/<key>/html")
    def html(key: str) -> Response:
        page = '<!doctype html><meta charset="utf-8"><base target="_blank">' + _found(store, key).html
        return Response(page, headers={"Content-Security-Policy": f"{_MAIL_POLICY}; frame-ancestors 'self'"})

    @app.get("/messages/<key>/attachments/<int:number>")
    def attachment(key: str, number: int) -> AnyResponse:
        files = _found(store, key).attachments
        if number >= len(files):
            abort(404)
        return send_file(
            io.BytesIO(files[number].content),
            mimetype="application/octet-stream",
            as_attachment=True,
            download_name=files[number].name,
        )

    @app.post("/delete")
    def delete() -> AnyResponse:
        store.delete_all()
        return redirect(url_for("index"), code=303)


def _add_api(app: Flask, store: Store) -> None:
    @app.get("/api/messages")
    def messages() -> Response:
        return jsonify([_as_json(mail) for mail in store.newest_first(request.args.get("to"))])

    @app.delete("/api/messages")
    def delete_messages() -> tuple[str, int]:
        store.delete_all()
        return "", 204


def _found(store: Store, key: str) -> Mail:
    mail = store.find(key)
    if mail is None:
        abort(404)
    return mail


def _as_json(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": mail.recipients,
        "subject": mail.subject,
        "received_at": mail.received_at.isoformat(),
        "text": mail.text,
        "html": mail.html,
        "headers": [[name, value] for name, value in mail.headers],
        "attachments": [{"name": file.name, "type": file.kind, "size": len(file.content)} for file in mail.attachments],
    }
