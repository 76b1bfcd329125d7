"""Imports: files of products and orders, tried first, then brought in as a job."""

from __future__ import annotations

from app.imports import jobs, undo_jobs
from app.imports.api import blp
from app.imports.views import web
from app.kit.module import Module, NavItem

module = Module(
    name="imports",
    api=[blp],
    web=[web],
    jobs=[jobs.SPEC, undo_jobs.SPEC],
    # A file writes what its reader could write by hand; the service asks for those rights as well.
    permissions={"imports.run": "admin"},
    nav=[NavItem("Imports", "imports.index", "file-import", group="Run", permission="imports.run", order=60)],
)
