"""Work that follows: mailing links, the login directory, and sweeping what is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.accounts import directory, queries, recovery, sweep
from app.accounts.letters import mail_session_ended
from app.accounts.service import DIRECTORY
from app.kit.jobs.registry import JobSpec, Schedule
from tenants.context import Ctx
from tenants.runtime import Runtime
from tenants.work import Work


def send_reset(ctx: Ctx, work: Work, *, email: str) -> None:
    """Mail a link to set a new password, if the address is somebody's."""
    recovery.send_reset(ctx, email=email)


def list_person(ctx: None, work: Work, *, user_id: str) -> None:
    """Enter one person into the login directory, or take them out."""
    with work.transaction() as opened:
        user = queries.find_user(opened, user_id=UUID(user_id))
        runtime = opened.runtime
    if user is not None:
        directory.enter(runtime, work.tenant.id, email=user.email, present=user.status == "active")


def mail_workspaces(runtime: Runtime, work: Work, *, sealed: str) -> None:
    """Mail somebody the workspaces of their address."""
    directory.mail_workspaces(runtime, sealed=sealed, message_id=work.job_id.hex)


def warn_of_reuse(ctx: Ctx, work: Work, *, event: dict[str, Any]) -> None:
    """Tell the person that a copied refresh token was used."""
    user = queries.find_user(ctx, user_id=UUID(event["aggregate_id"]))
    if user is not None and user.status == "active":
        mail_session_ended(ctx, user)


def sweep_all(runtime: Runtime, work: Work) -> None:
    """Remove what is over in every tenant."""
    sweep.sweep_all(runtime, work)


forgot = JobSpec(recovery.FORGOT, send_reset, queue="urgent")
listing = JobSpec(DIRECTORY, list_person, transaction="many")
finding = JobSpec(directory.FIND, mail_workspaces, queue="urgent", transaction="many", platform=True)
reuse = JobSpec("accounts.warn_of_reuse", warn_of_reuse, queue="urgent")
sweeping = JobSpec("accounts.sweep", sweep_all, queue="bulk", transaction="many", timeout=600, platform=True)
SWEEP = Schedule("accounts.sweep", "accounts.sweep", timedelta(minutes=15))
