"""Signing a company up, from both doors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from app.accounts import throttle
from app.accounts.passwords import hash_password, password_problem
from app.kit.errors import Invalid
from tenants import registration
from tenants.models import ProvisioningRun, TenantRecord
from tenants.registration import SignUp
from tenants.runtime import Runtime

# Workspaces that one network may open in a minute, through one process: far above people, far below a flood.
_OPENED = throttle.ProcessLimit(120, 60.0)
LABELS = {
    "reserved": "Address reserved",
    "placed": "Rooms built",
    "furnished": "Starter content moved in",
    "secured": "Keys cut",
    "opened": "Door opened",
}


def sign_up(runtime: Runtime, data: Mapping[str, Any], *, key: str | None, visitor: str) -> UUID:
    """Start a workspace from validated `data`; return its id. The same key and data give the same workspace.

    `visitor` is the address the request came from. Raises Invalid, SlugTaken, TriedTooOften.
    """
    _OPENED.demand(throttle.prefix_of(visitor))
    if not data["company_name"]:
        raise Invalid.field("company_name", "Write the company's name.")
    problem = password_problem(data["password"], data["company_name"], data["admin_email"], data["slug"])
    if problem:
        raise Invalid.field("password", problem)
    return registration.register(
        runtime,
        SignUp(
            company_name=data["company_name"],
            slug=data["slug"],
            admin_email=data["admin_email"],
            admin_name=data["admin_name"],
            password_hash=hash_password(runtime.settings, data["password"]),
            tier=data["tier"],
            region=data["region"],
            key=key,
            digest=_digest(runtime, data),
        ),
    )


def progress(record: TenantRecord, run: ProvisioningRun) -> dict[str, Any]:
    """Describe how far the making has come, for the page: steps with their state and time, and the share done."""
    done = {step["name"]: step["seconds"] for step in run.steps}
    steps = []
    for name in registration.STEPS:
        if name in done:
            state = "done"
        elif name == run.step:
            state = "failed" if run.state == "failed" else "now"
        else:
            state = "later"
        took = f"{done[name]:.1f} s" if name in done else ""
        steps.append({"label": LABELS[name], "state": state, "took": took})
    return {
        "company": record.company_name,
        "email": record.admin_email,
        "state": record.status if record.status in ("provisioning", "failed") else "active",
        "steps": steps,
        "progress": len(done) / len(registration.STEPS),
        "error": run.error if record.status == "failed" else "",
    }


def _digest(runtime: Runtime, data: Mapping[str, Any]) -> str:
    """Stand for the request without keeping its password in the clear: keyed, so that it cannot be guessed offline."""
    text = orjson.dumps(dict(data), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, key=runtime.settings.secret_key.encode()[:64], digest_size=32).hexdigest()
