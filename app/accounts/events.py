"""What happened to people; `aggregate_id` is the user's id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.kit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInvited(Event):
    """Somebody was asked to join."""

    TYPE: ClassVar[str] = "accounts.user.invited.v1"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserJoined(Event):
    """Somebody has an active account now: the first owner, an invited colleague, a customer."""

    TYPE: ClassVar[str] = "accounts.user.joined.v1"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRoleChanged(Event):
    """Somebody may do more or less than before."""

    TYPE: ClassVar[str] = "accounts.user.role_changed.v1"
    old_role: str
    new_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSuspended(Event):
    """Somebody may not act until activated again."""

    TYPE: ClassVar[str] = "accounts.user.suspended.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated(Event):
    """Somebody may act again."""

    TYPE: ClassVar[str] = "accounts.user.activated.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRevoked(Event):
    """An invitation was taken back before it was used."""

    TYPE: ClassVar[str] = "accounts.invitation.revoked.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerified(Event):
    """Somebody proved that the address is theirs."""

    TYPE: ClassVar[str] = "accounts.email.verified.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """A password was replaced; `how` is `reset` or `changed`."""

    TYPE: ClassVar[str] = "accounts.password.changed.v1"
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReused(Event):
    """A refresh token came a second time, so its whole family was revoked."""

    TYPE: ClassVar[str] = "accounts.refresh.reused.v1"
    session: str
