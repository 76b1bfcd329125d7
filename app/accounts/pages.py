"""What the pages of this module share: reading a form, showing it again, and letting somebody in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import cookies
from app.accounts.models import UserAccount
from app.kit import forms
from app.kit.errors import DomainError, FieldError, Invalid
from app.web.forms import FormState
from tenants.context import Ctx
from tenants.edge import runtime

accounts = Blueprint("accounts", __name__, template_folder="templates")
HOME = "/home"


def let_in(ctx: Ctx, user: UserAccount, secret: str, target: str) -> BaseResponse:
    """Give the browser its session and lead it on."""
    response = make_response(redirect(target or HOME, 303))
    settings = runtime().settings
    cookies.put_session(settings, response, secret)
    cookies.put_device(settings, response, tenant_id=ctx.tenant.id, user_id=user.id)
    return response


def load(schema: Schema) -> dict[str, Any]:
    """Read the form.

    Raises Invalid.
    """
    try:
        return forms.load(schema, request.form)
    except ValidationError as error:
        state = FormState.invalid({}, error.messages_dict)
        raise Invalid(errors=[FieldError(f"#/{name}", text) for name, text in state.errors.items()]) from None


def state_of(error: DomainError) -> FormState:
    """Return the state of this request's form, refused with `error`."""
    return FormState.failed(request.form, error)


def refused(page: str, error: DomainError) -> Response:
    """Answer with `page` and the status that stands for `error` in a browser."""
    status = error.status if error.status in (410, 429) else 422
    response = make_response(page, status)
    if "Retry-After" in error.headers:
        response.headers["Retry-After"] = error.headers["Retry-After"]
    return response
