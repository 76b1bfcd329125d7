"""The workspace in JSON."""

from __future__ import annotations

from zoneinfo import available_timezones

from marshmallow import Schema, fields, validate

from app.kit.money import currencies


class TenantSchema(Schema):
    """The workspace of this credential."""

    id = fields.UUID(required=True)
    slug = fields.String(required=True, metadata={"example": "harbour"})
    company_name = fields.String(required=True, metadata={"example": "Harbour Press"})
    tier = fields.String(required=True, metadata={"example": "basic"})
    isolation_model = fields.String(required=True, metadata={"example": "pooled"})
    status = fields.String(required=True, metadata={"example": "active"})
    region = fields.String(required=True, metadata={"example": "local"})
    trial_ends_at = fields.AwareDateTime(allow_none=True)
    limits = fields.Dict(keys=fields.String(), values=fields.Integer())
    features = fields.Dict(keys=fields.String(), values=fields.Boolean())
    created_at = fields.AwareDateTime(required=True)


class TenantChangeSchema(Schema):
    """What an administrator may change."""

    company_name = fields.String(
        required=True, validate=validate.Length(1, 120), metadata={"example": "Harbour Press Ltd"}
    )


class UsageSchema(Schema):
    """Use of one limited thing."""

    metric = fields.String(required=True, metadata={"example": "products"})
    used = fields.Integer(required=True, metadata={"example": 47})
    limit = fields.Integer(allow_none=True, metadata={"example": 100, "description": "null: no limit"})
    left = fields.Integer(allow_none=True, metadata={"example": 53})


class UsageListSchema(Schema):
    """Use of everything that the tier limits."""

    items = fields.List(fields.Nested(UsageSchema), required=True)


class GeneralFormSchema(Schema):
    """The form of general settings."""

    company_name = fields.String(required=True, validate=validate.Length(1, 120, error="Write the company's name."))
    timezone = fields.String(
        required=True, validate=validate.OneOf(sorted(available_timezones()), error="Choose a time zone from the list.")
    )
    currency = fields.String(
        required=True, validate=validate.OneOf(sorted(currencies()), error="Choose a currency from the list.")
    )
    version = fields.Integer(required=True)
