"""The body of a request: where it ends, and when it is read. Its client may be slow, or gone without a word."""

from __future__ import annotations

from contextlib import suppress

from flask import Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import LimitedStream

from tenants.access import MAX_BODY, Access

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
# Of a refused body so many bytes are read; a longer one costs its sender the connection.
DRAIN = 1 << 16


def bound() -> None:
    """Let the body end where its length says: not later, in the next request, nor sooner, where its client left."""
    length = request.content_length
    if length is not None:
        request.environ["wsgi.input"] = LimitedStream(request.environ["wsgi.input"], length)


def take_in(access: Access) -> None:
    """Have the body here before a place, a connection or a transaction is held for the request.

    Raises ClientDisconnected, RequestEntityTooLarge.
    """
    if request.method in SAFE:
        return
    if request.mimetype in FORMS:
        _ = request.form
    elif access.max_body <= MAX_BODY:
        # A door for files has no use for anything else, and refuses it unread.
        request.get_data()


def read_the_rest(response: Response) -> Response:
    """Take in the body of a request that was refused unread: or its connection would end under the next one."""
    if request.method not in SAFE:
        with suppress(HTTPException):
            request.environ["wsgi.input"].read(DRAIN)
    return response
