"""What can go wrong with people and their ways in, by name."""

from __future__ import annotations

from app.kit.errors import Conflict, Forbidden, Gone, TooManyRequests, Unauthenticated


class WrongCredentials(Unauthenticated):
    """The address or the password is wrong; which of them is not said."""

    code, title = "auth.credentials_wrong", "That did not match"


class TokenInvalid(Unauthenticated):
    """The credential was not made here, was altered, or was revoked."""

    code, title = "auth.token_invalid", "This sign-in is not valid"


class TokenExpired(Unauthenticated):
    """The credential was good once."""

    code, title = "auth.token_expired", "This sign-in has expired"


class UserInactive(Forbidden):
    """The credential is good, its owner may not act."""

    code, title = "auth.user_inactive", "This account is not active"


class EmailUnverified(Forbidden):
    """The step waits until the e-mail address is confirmed."""

    code, title = "auth.email_unverified", "Confirm your e-mail address first"


class SignupClosed(Forbidden):
    """The workspace takes people by invitation only."""

    code, title = "auth.signup_closed", "This workspace takes people by invitation"


class CrossSite(Forbidden):
    """A browser sent the request on behalf of another site, or from a page that is too old."""

    code, title = "csrf.failed", "This page is too old"


class LinkSpent(Gone):
    """The link was used, replaced, or is too old."""

    code, title = "auth.link_spent", "This link is spent"


class TriedTooOften(TooManyRequests):
    """Too many tries; `Retry-After` says when the next one counts."""

    code, title = "auth.throttled", "Too many tries"


class UserExists(Conflict):
    """Somebody has an account under this address."""

    code, title = "accounts.user_exists", "This person is here already"


class LastOwner(Conflict):
    """A workspace keeps at least one active owner."""

    code, title = "accounts.last_owner", "A workspace needs an owner"


class NotInvited(Conflict):
    """The invitation was accepted already."""

    code, title = "accounts.not_invited", "This person has joined already"
