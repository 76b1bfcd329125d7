"""Imports: files of products and orders, tried first, then brought in as a job."""

from __future__ import annotations

from app.imports import jobs
from app.kit.module import Module

module = Module(name="imports", jobs=[jobs.SPEC], permissions={"imports.run": "contributor", "imports.read": "viewer"})
