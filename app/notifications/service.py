"""Messages to people. Asking for one writes a job; the worker sends it, again when the mail server is away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from app.kit.crypto import seal
from app.notifications.compose import exists
from tenants.context import Ctx

MAIL = "notifications.mail"


def send_mail(ctx: Ctx, *, to: str, template: str, **values: Any) -> UUID:
    """Mail `template` with `values` to `to` after this transaction has committed; return the job's id.

    Links must come ready-made from `settings.tenant_url`. Values are sealed: the job ledger shows no link and no name.
    Raises LookupError for an unknown template.
    """
    if not exists(template):
        raise LookupError(f"there is no mail template {template}")
    secret = ctx.runtime.settings.secret_key
    sealed = seal(secret, purpose(ctx.tenant.id), orjson.dumps({"to": to, "values": values}))
    return ctx.enqueue(MAIL, {"template": template, "sealed": sealed})


def purpose(tenant_id: UUID) -> str:
    """Return what a mail's values are sealed for: one tenant's mail and nothing else."""
    return f"mail:{tenant_id}"
