"""A real Chromium, and the application on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import WSGIRequestHandler, make_server

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing; the tests say what they saw."""


@pytest.fixture(scope="session")
def live(app: Flask) -> Iterator[str]:
    """Return the address of the running application on the apex."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def findings(page: Page) -> list[str]:
    """Return what axe-core has against the page; its context must bypass the policy, else axe cannot be put in."""
    page.evaluate(AXE.read_text())
    result = page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})")
    return [f"{v['impact']} {v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]


def complaints(page: Page) -> list[str]:
    """Collect from now on what the page's console, scripts and policy complain about."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("response", lambda answer: told.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    return told
