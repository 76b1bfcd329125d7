"""What a company sends to sign up, and what it gets back."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from app.accounts.schemas import PasswordField
from tenants.tiers import tiers


class SignUpSchema(Schema):
    """A sign-up."""

    company_name = fields.String(
        required=True, validate=validate.Length(1, 120), metadata={"example": "Harbour Press", "maxLength": 120}
    )
    slug = fields.String(
        required=True, validate=validate.Length(1, 63), metadata={"example": "harbour", "pattern": "^[a-z][a-z0-9-]+$"}
    )
    admin_email = fields.Email(required=True, metadata={"example": "ada@harbour.example"})
    admin_name = fields.String(load_default="", validate=validate.Length(0, 120), metadata={"example": "Ada Brook"})
    password = PasswordField(required=True)
    tier = fields.String(load_default="basic", validate=validate.OneOf(list(tiers())), metadata={"example": "basic"})
    region = fields.String(load_default="local", validate=validate.OneOf(["local"]), metadata={"example": "local"})

    @post_load
    def tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Take the blanks off both ends of names."""
        return {**data, "company_name": data["company_name"].strip(), "admin_name": data["admin_name"].strip()}


class StartedSchema(Schema):
    """A workspace that is being made."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"example": "provisioning"})
    status_url = fields.String(required=True)


class StatusSchema(Schema):
    """How far the making has come."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"example": "active"})
    step = fields.String(required=True, metadata={"example": "furnished"})
    steps = fields.List(fields.Dict())
    url = fields.String(required=True, metadata={"example": "https://harbour.terrace.example/"})
    error = fields.String()


class SlugSchema(Schema):
    """Whether an address can be had."""

    slug = fields.String(required=True)
    available = fields.Boolean(required=True)
    reason = fields.String(allow_none=True)
