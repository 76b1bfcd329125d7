"""What the pages of one import show: how far it is, what came of it, what it changed, what its undoing left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.imports import forms, queries, undoing
from app.imports.differences import KEPT, VIEWS, View, differences, told
from app.imports.models import ImportRun
from app.imports.resources import FIELDS, NAMES
from app.imports.summary import minor_totals, rows_of
from app.kit.jobs.progress import Progress, progress_of
from app.web.templating import here_with
from tenants.context import Ctx

_AT_ONCE = 50
_Counts = Mapping[tuple[str, str, str], int]


def progress(ctx: Ctx, run: ImportRun, cursor: str | None) -> dict[str, Any]:
    """Return the variables of `imports/part.html`.

    Raises Invalid for a cursor of another list.
    """
    found = progress_of(ctx.db, ctx.tenant.id, [run.job_id, run.undo_job_id])
    at = found[run.job_id]
    undo = found[run.undo_job_id] if run.undo_job_id else None
    issues = None if at.busy else queries.list_issues(ctx, run_id=run.id, cursor=cursor, limit=_AT_ONCE)
    counts = {} if at.busy else queries.count_changes(ctx, run_id=run.id)
    return {
        "run": run,
        "at": at,
        "busy": at.busy or (undo is not None and undo.busy),
        "undo": undo,
        "name": NAMES[run.resource],
        "job": _undo_job(undo) if undo else _job(run, at),
        "rows": rows_of(run),
        "told": forms.told_undoing(counts) if undo else forms.told_counts(run),
        "totals": minor_totals(run),
        "kinds": forms.told_kinds({} if at.busy else queries.count_issues(ctx, run_id=run.id)),
        "views": _views(run, counts),
        "kept": _sum(counts, KEPT),
        "can_undo": undo is None and not undoing.why_not(ctx, run, busy=at.busy, count=sum(counts.values())),
        "issues": issues,
        "lost": {issue.row_number for issue in issues.items if issue.is_lost} if issues else set(),
        "labels": {field.name: field.label for field in FIELDS[run.resource]},
    }


def changes(ctx: Ctx, run: ImportRun, args: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables of `imports/changes.html`.

    Raises Invalid for a cursor of another list.
    """
    counts = queries.count_changes(ctx, run_id=run.id)
    cursor, wanted = args.get("cursor"), args.get("view", "")
    shown = {"run": run, "name": NAMES[run.resource], "differences": differences, "told": told, "at_key": wanted}
    tabs = _views(run, counts)
    if wanted == KEPT:
        page = queries.list_kept(ctx, run_id=run.id, cursor=cursor, limit=_AT_ONCE)
        return {**shown, "view": None, "tabs": tabs, "page": page, "kept": _sum(counts, KEPT)}
    view = _view(wanted, counts)
    page = queries.list_changes(ctx, run_id=run.id, kind=view.kind, action=view.action, cursor=cursor, limit=_AT_ONCE)
    return {**shown, "view": view, "tabs": tabs, "page": page, "kept": _sum(counts, KEPT), "at_key": view.key}


def _view(wanted: str, counts: _Counts) -> View:
    """Return the view that was asked for, or the first that has something to show."""
    filled = {(kind, action) for kind, action, _ in counts}
    usual = next((view for view in VIEWS if (view.kind, view.action) in filled), VIEWS[0])
    return next((view for view in VIEWS if view.key == wanted), usual)


def _views(run: ImportRun, counts: _Counts) -> list[dict[str, Any]]:
    sums = {view.key: sum(n for (kind, act, _), n in counts.items() if (kind, act) == (view.kind, view.action))
            for view in VIEWS}  # fmt: skip
    return [
        {"key": view.key, "label": view.planned if run.dry_run else view.done, "count": sums[view.key],
         "href": here_with(view=view.key, cursor=None)}
        for view in VIEWS
        if sums[view.key]
    ]  # fmt: skip


def _sum(counts: _Counts, state: str) -> int:
    return sum(count for (_, _, found), count in counts.items() if found == state)


def _job(run: ImportRun, at: Progress) -> dict[str, Any]:
    doing = "Checking" if run.dry_run else "Importing"
    done = "Checked" if run.dry_run else "Imported"
    title = done if at.state == "succeeded" else f"{doing} {run.file_name}"
    return {**_state(at), "title": title, "steps": forms.steps(run, at)}


def _undo_job(at: Progress) -> dict[str, Any]:
    return {**_state(at), "title": "Undone" if at.state == "succeeded" else "Undoing the import"}


def _state(at: Progress) -> dict[str, Any]:
    return {"state": at.state, "progress": at.progress, "step": at.step, "error": at.error}
