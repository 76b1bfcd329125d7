"""The browser of the web tests, for the pages of the store."""

from __future__ import annotations

from tests.web.conftest import live

__all__ = ["live"]
