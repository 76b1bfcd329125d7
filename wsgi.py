"""The WSGI entry point."""

from __future__ import annotations

from app.factory import create_app
from config.logging import configure_logging

configure_logging()
app = create_app()
