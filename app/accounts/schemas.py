"""People and their ways in, in JSON and in forms."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, validate
from typing_extensions import override

from app.access.policy import ROLES
from app.accounts.models import STATUSES, UserAccount
from app.accounts.passwords import MAX_LENGTH, MIN_LENGTH, normal_password, password_problem
from app.kit.fields import REQUIRED, Choice, Email, Text
from app.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

_ZONES = sorted(available_timezones())
_WRONG_ZONE = "Write a time zone, like Europe/London."
_WRONG_LIMIT = f"Write a whole number from 1 to {MAX_LIMIT}."
_SHAPE = r"^[a-z]{2}_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$"
# A password that is only compared may be anything; this bounds what is hashed.
_LONGEST_TRY = 1024


class PasswordField(fields.String):
    """A new password: long enough, not among the first that anybody tries, and in the one form that counts."""

    def __init__(self, **options: Any) -> None:
        metadata = {
            "format": "password",
            "minLength": MIN_LENGTH,
            "maxLength": MAX_LENGTH,
            "example": "a lighthouse in the fog",
        }
        super().__init__(metadata=metadata | options.pop("metadata", {}), load_only=True, **options)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        problem = password_problem(text)
        if problem:
            raise ValidationError(problem)
        return normal_password(text)


class TriedPassword(fields.String):
    """A password as somebody claims it to be."""

    def __init__(self, **options: Any) -> None:
        metadata = {
            "format": "password",
            "minLength": 1,
            "maxLength": _LONGEST_TRY,
            "example": "a lighthouse in the fog",
        }
        super().__init__(
            metadata=metadata,
            load_only=True,
            validate=validate.Length(1, _LONGEST_TRY, error="Write your password."),
            **options,
        )


class Token(fields.String):
    """A token of ours; anything longer than one is none."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": _SHAPE, "example": f"rt_{'0' * 32}_{'A' * 43}"}
        super().__init__(metadata=metadata, load_only=True, validate=validate.Length(1, 200), **options)


class CodeMixin(Schema):
    """The workspace's short name, needed on the installation's own host only."""

    organization_code = fields.String(validate=validate.Length(1, 63), metadata={"example": "harbour"})


class SigninSchema(CodeMixin):
    """Signing in."""

    email = Email(metadata={"example": "ada@harbour.example"}, **REQUIRED)
    password = TriedPassword(**REQUIRED)


class SignupSchema(CodeMixin):
    """Opening an account of one's own."""

    email = Email(metadata={"example": "ida@mail.example"}, **REQUIRED)
    password = PasswordField(**REQUIRED)
    name = Text(longest=120, blank=True, load_default="", metadata={"example": "Ida Quist"})


class TokensSchema(Schema):
    """What a program signs its requests with."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"example": 3600})
    refresh_token = fields.String(required=True)


class RefreshSchema(Schema):
    """Exchanging a refresh token."""

    refresh_token = Token(required=True)


class SignoutSchema(Schema):
    """Signing out by refresh token instead of by access token."""

    refresh_token = Token()


class AcceptedSchema(Schema):
    """The same answer whatever the address is."""

    status = fields.String(required=True, metadata={"example": "accepted"})


class ForgotSchema(CodeMixin):
    """Asking for a link to set a new password."""

    email = Email(metadata={"example": "ada@harbour.example"}, **REQUIRED)


class FindSchema(Schema):
    """Asking for the workspaces of an address."""

    email = Email(metadata={"example": "ada@harbour.example"}, **REQUIRED)


class LinkSchema(Schema):
    """A mailed token."""

    token = Token(required=True)


class ResetSchema(LinkSchema):
    """Setting a new password by a mailed token."""

    password = PasswordField(**REQUIRED)


class AcceptSchema(ResetSchema):
    """Accepting an invitation."""

    name = Text(longest=120, metadata={"example": "Ben Ode"}, **REQUIRED)


class UserSchema(Schema):
    """A person of the workspace."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"example": "ada@harbour.example"})
    name = fields.String(required=True, metadata={"example": "Ada Brook"})
    role = Choice(ROLES, required=True)
    status = Choice(STATUSES, required=True)
    email_verified = fields.Boolean(required=True)
    last_login_at = fields.AwareDateTime(required=True, allow_none=True)
    invited_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class MeSchema(UserSchema):
    """Oneself, with what one may do."""

    time_zone = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class UserPageSchema(Schema):
    """A page of people."""

    items = fields.List(fields.Nested(UserSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UserQuerySchema(Schema):
    """Which people, and which page."""

    status = Choice(STATUSES)
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT, error=_WRONG_LIMIT),
        error_messages={"invalid": _WRONG_LIMIT},
    )


class UserChangeSchema(Schema):
    """What an administrator may change of a person."""

    role = Choice(ROLES)
    status = Choice(("active", "suspended"))


class RoleFormSchema(Schema):
    """The form that gives somebody another role; its field stands beside the invitation's `role`."""

    new_role = Choice(ROLES, **REQUIRED)


class ProfileSchema(Schema):
    """What one may change of oneself."""

    name = Text(longest=120, metadata={"example": "Ada Brook"})
    time_zone = fields.String(validate=validate.OneOf(_ZONES, error=_WRONG_ZONE), metadata={"example": "Europe/London"})


class NameSchema(Schema):
    """The form with one's own name."""

    name = Text(longest=120, metadata={"example": "Ada Brook"}, **REQUIRED)


class PasswordChangeSchema(Schema):
    """Replacing one's own password."""

    current_password = TriedPassword(**REQUIRED)
    new_password = PasswordField(**REQUIRED)


class InviteSchema(Schema):
    """Asking somebody to join."""

    email = Email(metadata={"example": "ben@harbour.example"}, **REQUIRED)
    role = Choice(ROLES, load_default="viewer")
    name = Text(longest=120, blank=True, load_default="", metadata={"example": "Ben Ode"})


class SessionSchema(Schema):
    """One sign-in."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": ["web", "api"]})
    current = fields.Boolean(required=True)
    ip = fields.String(required=True)
    user_agent = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class SessionListSchema(Schema):
    """One's live sign-ins."""

    items = fields.List(fields.Nested(SessionSchema), required=True)


def user_json(user: UserAccount) -> dict[str, Any]:
    """Return what the API shows of a person."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "email_verified": user.email_verified_at is not None,
        "last_login_at": user.last_login_at,
        "invited_at": user.invited_at,
        "created_at": user.created_at,
    }
