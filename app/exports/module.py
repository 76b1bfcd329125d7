"""Exports: products and orders as files, made by a worker."""

from __future__ import annotations

from app.exports import jobs
from app.exports.api import blp
from app.exports.views import web
from app.kit.module import Module, NavItem

module = Module(
    name="exports",
    api=[blp],
    web=[web],
    jobs=[jobs.SPEC],
    # Beside this right whoever exports needs the right to read the rows themselves.
    permissions={"exports.run": "approver"},
    nav=[NavItem("Exports", "exports.index", "file-export", group="Run", permission="exports.run", order=61)],
)
