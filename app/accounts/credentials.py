"""Replacing one's own password, with the hashing outside of every transaction."""

from __future__ import annotations

from app.accounts import recovery, service, throttle
from app.accounts.passwords import hash_password, password_problem, verify_password
from app.accounts.throttle import Try
from app.kit.errors import FieldError, Invalid
from tenants.context import Ctx


def replace_password(ctx: Ctx, *, current: str, new: str) -> None:
    """Replace the acting person's password, whose old one must be known.

    Raises Invalid, TriedTooOften.
    """
    user = service.me(ctx)
    stored = user.password_hash
    problem = password_problem(new, user.email, user.name, ctx.tenant.company_name)
    if problem:
        raise Invalid(errors=[FieldError("#/new_password", problem)])
    tries = [Try(throttle.PASSWORD, str(user.id))]
    throttle.demand(ctx, *tries)
    # The try counts whatever comes of it, and no connection waits for the hash: this is a transaction of its own.
    ctx.db.commit()
    if not verify_password(ctx.runtime.settings, stored, current).right:
        raise Invalid(errors=[FieldError("#/current_password", "This is not your password.")])
    hashed = hash_password(ctx.runtime.settings, new)
    throttle.forgive(ctx, tries, forget=tries)
    recovery.change_password(ctx, user=service.me(ctx), password_hash=hashed)
