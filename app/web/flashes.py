"""Flask's signed cookie, in which nothing but flash messages is kept: people's sessions live in PostgreSQL."""

from __future__ import annotations

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from typing_extensions import override


class FlashCookie(SecureCookieSessionInterface):
    """The cookie as Flask has it, for next to nothing where a request neither has nor touches it."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    @override
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    @override
    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.accessed:
            super().save_session(app, session, response)
