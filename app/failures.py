"""How failures answer: problem documents under `/api/`, a page elsewhere; never a driver's text, never a stack."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from flask import Flask, Response, g, make_response, render_template, request
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.kit import errors
from app.kit.errors import DomainError
from app.kit.problems import field_errors, problem
from app.kit.room import is_full, no_room

log = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[DomainError]] = {
    400: errors.BadRequest,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    410: errors.Gone,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    422: errors.Invalid,
    429: errors.TooManyRequests,
    503: errors.Unavailable,
}


class MethodNotAllowed(DomainError):
    """The address exists, the method does not."""

    status, code, title = 405, "method.not_allowed", "This address does not take that method"


class Unexpected(DomainError):
    """A defect of ours; the request id leads to the log."""

    status, code, title = 500, "unexpected", "Something broke on our side"


def install(app: Flask) -> None:
    """Make every failure of `app` answer through one place."""
    app.register_error_handler(DomainError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ValidationError, lambda e: answer(errors.Invalid(errors=field_errors(e.messages))))
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _unexpected)


def answer(error: DomainError) -> Response:
    """Render `error` for who asked: a program or a person."""
    if request.path.startswith("/api/") or request.path.startswith("/.well-known/"):
        return problem(error, instance=request.path, request_id=g.get("request_id", ""))
    page = render_template("web/error.html", **_page(error))
    response = make_response(page, error.status)
    response.headers.update(error.headers)
    return response


def _page(error: DomainError) -> dict[str, Any]:
    return {
        "status": error.status,
        "title": error.title,
        "text": error.detail or "",
        "error": error,
        "request_id": g.get("request_id", ""),
    }


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    if status == 405:
        allow = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return answer(MethodNotAllowed(headers={"Allow": allow}))
    if status in (308, 307, 301, 302):
        return make_response(error.get_response())
    kind = _BY_STATUS.get(status, errors.BadRequest if status < 500 else Unexpected)
    messages = data.get("messages")
    made = kind(errors=field_errors(messages)) if messages else kind()
    if isinstance(made, Unexpected):
        log.error("unexpected failure", exc_info=getattr(error, "original_exception", None) or error)
    return answer(made)


def _database(error: SQLAlchemyError) -> Response:
    original = getattr(error, "orig", None)
    if isinstance(error, StaleDataError):
        return answer(errors.StaleVersion("Someone saved this while you did. Load it again, then repeat your change."))
    if isinstance(error, IntegrityError):
        log.warning("constraint refused a write", exc_info=error)
        return answer(errors.Conflict("This clashes with something that was saved at the same time. Try again."))
    busy = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure,
            psycopg.errors.QueryCanceled)  # fmt: skip
    gone = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
    if isinstance(error, PoolTimeout | OperationalError) or isinstance(original, busy + gone):
        log.warning("database unavailable", exc_info=error)
        return answer(errors.Unavailable(headers={"Retry-After": "2"}))
    if isinstance(error, DBAPIError) and isinstance(original, psycopg.DataError):
        return answer(errors.Invalid("A value is of a kind that cannot be stored, such as text with a NUL character."))
    return _unexpected(error)


def _system(error: OSError) -> Response:
    if is_full(error):
        log.error("disk full", exc_info=error)
        return answer(no_room())
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    log.error("unexpected failure", exc_info=error)
    return answer(Unexpected("The request id leads us to the cause; nothing of this request was saved."))
