"""What can go wrong, by name. One handler renders these as problem+json or as a page (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer (`#/items/0/quantity`) and a sentence that says what to do."""

    pointer: str
    detail: str


class DomainError(Exception):
    """An expected failure; raising it rolls the transaction back."""

    status = 409
    code = "conflict"
    title = "This cannot be done right now"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.code = code or type(self).code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra


class BadRequest(DomainError):
    """The request could not be read at all."""

    status, code, title = 400, "request.malformed", "The request could not be read"


class Unauthenticated(DomainError):
    """No valid credential came with the request."""

    status, code, title = 401, "auth.token_missing", "Sign in first"


class Forbidden(DomainError):
    """The credential is good, the right is missing."""

    status, code, title = 403, "authz.forbidden", "You may not do this"


class NotFound(DomainError):
    """No such thing, or not this tenant's: the answer is the same."""

    status, code, title = 404, "not_found", "Nothing here"


class Conflict(DomainError):
    """The payload is fine, the world is not."""


class Gone(DomainError):
    """It was here and is not any more."""

    status, code, title = 410, "gone", "This is no longer here"


class StaleVersion(DomainError):
    """`If-Match` names a version that is not the current one."""

    status, code, title = 412, "version.stale", "Someone else saved first"


class TooLarge(DomainError):
    """The body is over the limit."""

    status, code, title = 413, "request.too_large", "That is too large"


class UnsupportedMedia(DomainError):
    """The body is of a type this address does not take."""

    status, code, title = 415, "request.media_type", "This type of content is not taken here"


class Invalid(DomainError):
    """The payload breaks a rule; `errors` points at each field."""

    status, code, title = 422, "validation.failed", "Some fields need a change"

    @classmethod
    def field(cls, name: str, detail: str) -> Invalid:
        """Build the error for one top-level field."""
        return cls(errors=[FieldError(f"#/{name}", detail)])


class VersionRequired(DomainError):
    """The change needs `If-Match`, so that nobody's work is overwritten unseen."""

    status, code, title = 428, "version.required", "Say which version you changed"


class TooManyRequests(DomainError):
    """A rate was exceeded; `Retry-After` says when to come back."""

    status, code, title = 429, "rate.exceeded", "Too many requests"


class Unavailable(DomainError):
    """A part we need does not answer; trying again later will work."""

    status, code, title = 503, "unavailable", "Back in a moment"
