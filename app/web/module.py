"""The shell and the pages that belong to no product."""

from __future__ import annotations

from app.kit.module import Module
from app.web.views import web

module = Module(name="web", web=[web])
