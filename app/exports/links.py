"""Links to finished exports. They open the file for whoever has them, so none is ever stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.exports import queries, service
from app.exports.models import ExportRun
from app.files import doors
from app.files import service as files
from app.files.errors import FileGone
from app.kit.errors import NotFound
from tenants.context import Ctx


def download(ctx: Ctx, run: ExportRun) -> dict[str, Any]:
    """Return the link to the file of an export and when it ends; nothing when there is no file, or no right to it."""
    if run.file_id is None or not ctx.actor.may(service.RIGHTS[run.resource]):
        return {}
    try:
        file = files.get_file(ctx, run.file_id, class_="export")
    except (NotFound, FileGone):
        return {}
    return {
        "download_url": doors.link(ctx, file, seconds=doors.LINK_SECONDS),
        "download_expires_at": (ctx.now + timedelta(seconds=doors.LINK_SECONDS)).isoformat(timespec="seconds"),
    }


def present(ctx: Ctx, result: dict[str, Any]) -> dict[str, Any]:
    """Add a fresh link to the result of an export's job."""
    try:
        run = queries.get_run(ctx, run_id=UUID(result["export_id"]))
    except NotFound:
        return result
    return {**result, **download(ctx, run)}
