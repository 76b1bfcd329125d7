"""Links to finished exports. They open the file for whoever has them, so none is ever stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.exports import queries, service
from app.exports.models import ExportRun
from app.files import doors
from app.files import service as files
from app.kit.errors import NotFound
from tenants.context import Ctx


def downloads(ctx: Ctx, runs: Sequence[ExportRun]) -> dict[UUID, dict[str, Any]]:
    """Return for each export the link to its file and when it ends; nothing without a file, or a right to it."""
    allowed = [run for run in runs if run.file_id and ctx.actor.may(service.RIGHTS[run.resource])]
    found = files.find_ready(ctx, [run.file_id for run in allowed if run.file_id], class_="export")
    links: dict[UUID, dict[str, Any]] = {run.id: {} for run in runs}
    for run in allowed:
        file = found.get(run.file_id) if run.file_id else None
        if file is not None:
            links[run.id] = {
                "download_url": doors.link(ctx, file, seconds=doors.LINK_SECONDS),
                "download_expires_at": (ctx.now + timedelta(seconds=doors.LINK_SECONDS)).isoformat(timespec="seconds"),
            }
    return links


def present(ctx: Ctx, result: dict[str, Any]) -> dict[str, Any]:
    """Add a fresh link to the result of an export's job."""
    try:
        run = queries.get_run(ctx, run_id=UUID(result["export_id"]))
    except NotFound:
        return result
    return {**result, **downloads(ctx, [run])[run.id]}
