"""Sending, in the worker."""

from __future__ import annotations

from typing import Any

import orjson

from app.kit.crypto import unseal
from app.kit.jobs.registry import JobSpec
from app.notifications import gateway
from app.notifications.compose import Letter, compose
from app.notifications.service import MAIL, purpose
from tenants.work import Work


def send(ctx: None, work: Work, *, template: str, sealed: str) -> None:
    """Send one mail. The message's id is the job's, so that a second delivery is seen as the same message.

    Raises AddressRefused.
    """
    tenant = work.tenant
    with work.transaction() as opened:
        settings = opened.runtime.settings
    content: dict[str, Any] = orjson.loads(unseal(settings.secret_key, purpose(tenant.id), sealed))
    letter = Letter(content["to"], template, content["values"], tenant.company_name, work.job_id.hex)
    gateway.send(settings, compose(settings, letter))


mail = JobSpec(MAIL, send, queue="default", transaction="many", timeout=45, max_attempts=8, backoff=4.0)
