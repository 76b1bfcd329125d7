"""Health and metrics."""

from __future__ import annotations

from app.health.views import health
from app.kit.module import Module

module = Module(name="health", web=[health])
