"""The whole product as its users meet it: real web server, real workers, a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page

from stack.folder import DataFolder
from stack.programs import Web, Worker
from tests.conftest import clone_database, login_urls

ROOT = Path(__file__).parents[2]
# Redis databases below this number belong to the other test processes.
REDIS_DATABASE = 14


@dataclass(frozen=True)
class Site:
    """A running installation."""

    port: int
    mailbox: str
    env: dict[str, str]

    def url(self, path: str = "/", slug: str = "") -> str:
        """Return the address of `path` on the apex or in a workspace."""
        return f"http://{slug + '.' if slug else ''}localhost:{self.port}{path}"

    def api(self, method: str, path: str, *, slug: str = "", **options: Any) -> requests.Response:
        """Call the API by loopback, naming the host as a client elsewhere would."""
        headers = {"Host": self.url("", slug).removeprefix("http://"), **options.pop("headers", {})}
        address = f"http://127.0.0.1:{self.port}/api/v1{path}"
        return requests.request(method, address, headers=headers, timeout=30, **options)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Return the mails to an address, the newest first."""
        found: list[dict[str, Any]] = requests.get(f"{self.mailbox}/api/messages", params={"to": to}, timeout=10).json()
        return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run web and workers on a database of their own."""
    name = f"terrace_site_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    superuser = clone_database(name)
    root = tmp_path_factory.mktemp("site")
    folder = DataFolder(root)
    port = folder.ports.get("web")
    env = {
        **os.environ,
        **login_urls(superuser, name),
        "TERRACE_ENV": "development",
        "REDIS_URL": f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{REDIS_DATABASE}",
        "PORT": str(port),
        "BASE_URL": f"http://localhost:{port}",
        "DATA_DIR": str(root / "app"),
        "SPARES": "1",
    }
    web, worker = Web(folder, ROOT, port), Worker(folder, ROOT)
    web.start(env)
    worker.start(env)
    try:
        web.wait_ready()
        yield Site(port, os.environ["MAILBOX_URL"], env)
    finally:
        worker.process.stop()
        web.process.stop()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """Return a fresh browser window; what its console complains about fails the test."""
    context = chromium.new_context(viewport={"width": 1360, "height": 900}, accept_downloads=True)
    context.set_default_timeout(20_000)
    made = context.new_page()
    told: list[str] = []
    made.on("console", lambda m: told.append(m.text) if "Content Security Policy" in m.text else None)
    made.on("pageerror", lambda error: told.append(str(error)))
    yield made
    context.close()
    assert told == []
