"""A whole installation of real processes, with a proxy in front of each server, that a test may break at will."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import requests
from redis import Redis

from app.accounts.passwords import hash_password
from app.factory import build_runtime
from config.settings import Settings
from stack.folder import DataFolder
from stack.launcher import Launcher
from stack.mailbox import Mailbox
from stack.postgres import LOGINS, Postgres
from stack.proc import look, session_of
from stack.programs import Web, Worker
from stack.s3 import S3
from stack.valkey import Valkey
from tenants import registration
from tenants.bootstrap import bootstrap
from tenants.migrate import migrate_all
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.chaos.load import Way
from tests.chaos.proxy import Proxy

CHECKOUT = Path(__file__).parents[2]
PASSWORD = "a lighthouse in the fog"
STOCK = 1_000_000
_NOT_FOR_WEB = ("DATABASE_ADMIN_URL", "WORKER_DATABASE_URL")
_BEHIND = {
    "database": ("DATABASE_URL", "WORKER_DATABASE_URL", "DATABASE_ADMIN_URL"),
    "redis": ("REDIS_URL",),
    "s3": ("S3_ENDPOINT_URL",),
    "mail": ("SMTP_URL",),
}


@dataclass
class Site:
    """PostgreSQL, Valkey, S3 and a mailbox, and on them the programs as `make run` starts them; a context manager."""

    root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="terrace-chaos-")))
    proxies: dict[str, Proxy] = field(default_factory=dict)
    _turns: int = 0
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        """Start everything."""
        if not os.environ.get("CHAOS_KEEP"):
            self._closing.callback(shutil.rmtree, self.root, ignore_errors=True)
        try:
            self._start_servers()
            self._start_programs()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything; the data goes too."""
        self._closing.close()

    def _start_servers(self) -> None:
        folder = self.folder = DataFolder(self.root)
        self.postgres, self.valkey = Postgres(folder), Valkey(folder)
        self.s3, self.mailbox = S3(folder), Mailbox(folder)
        servers = [self.s3, self.valkey, self.mailbox, self.postgres]
        for server in servers:
            server.start()
            self._closing.callback(server.stop)
        for server in servers:
            server.wait_ready()
        found = {name: value for server in servers for name, value in server.env().items()}
        self.superuser_url = found.pop("DATABASE_SUPERUSER_URL")
        bootstrap(self.superuser_url, {login: self.postgres.password(login) for login in LOGINS.values()})
        migrate_all(found["DATABASE_ADMIN_URL"], pools=2)
        self._direct = {**found, **self._own_settings(folder)}

    def _own_settings(self, folder: DataFolder) -> dict[str, str]:
        self.port = folder.ports.get("web")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "TERRACE_ENV": "test",
            "SECRET_KEY": folder.passwords.get("secret-key"),
            "DATA_DIR": str(folder.root / "app"),
            "PORT": str(self.port),
            "BASE_URL": f"http://localhost:{self.port}",
            "SPARES": "0",
        }

    def _start_programs(self) -> None:
        settings = Settings.from_env(self._direct)
        # Past the proxies: for making tenants and for looking, whatever the weather is.
        self.runtime: Runtime = build_runtime(settings, as_worker=True)
        self._closing.callback(self.runtime.redis.close)
        self._closing.callback(self.runtime.databases.dispose)
        self.env = dict(self._direct)
        for name, variables in _BEHIND.items():
            proxy = self.proxies[name] = Proxy(_place(self._direct[variables[0]]))
            self._closing.enter_context(proxy)
            for variable in variables:
                self.env[variable] = _moved(self._direct[variable], proxy.port)
        self.web = Web(self.folder, CHECKOUT, self.port)
        self.worker = Worker(self.folder, CHECKOUT)
        self._closing.callback(self.web.process.stop)
        self._closing.callback(self.worker.process.stop)
        self.start_web()
        self.start_worker()
        self.web.wait_ready()

    def start_web(self) -> None:
        """Start the web server, anew when it gave up."""
        self.web.process.stop()
        self.web.start({name: value for name, value in self.env.items() if name not in _NOT_FOR_WEB})

    def replace_web(self) -> None:
        """Start a new web server beside the old one, on its port, and stop the old one once the new one answers."""
        old, self._turns = self.web, self._turns + 1
        self.web = Web(DataFolder(self.root / f"web{self._turns % 2}"), CHECKOUT, self.port)
        self._closing.callback(self.web.process.stop)
        self.start_web()
        marks = self.root / "app" / "run" / "web"
        eventually(lambda: self._answering(marks) == 2, within=60, what="the start of the new server")
        # So long, clients are sent away with their answers.
        time.sleep(3)
        old.process.stop()

    def _answering(self, marks: Path) -> int:
        leader = look(self.web.process.pid or 0)
        found = session_of(leader.pid, leader.started) if leader else []
        return sum((marks / str(seen.pid)).exists() for seen in found)

    def start_worker(self) -> None:
        """Start the background processes."""
        self.worker.start(self.env)

    def revive(self, server: Launcher) -> None:
        """Start a killed server again, as a service manager does."""
        server.stop()
        server.start()
        server.wait_ready()

    def database_back(self) -> None:
        """Return when PostgreSQL takes connections; one that it is about to end with all others does not count."""

        def answers() -> bool:
            try:
                with self.superuser() as connection:
                    connection.execute("SELECT 1")
                self.postgres.wait_ready()
            except psycopg.OperationalError:
                return False
            return True

        eventually(answers, within=60, what="the return of PostgreSQL", every=0.02)

    def superuser(self) -> psycopg.Connection[Any]:
        """Return a connection that no wall stands around, for looking."""
        return psycopg.connect(self.superuser_url, autocommit=True)

    def redis(self) -> Redis:
        """Return a client of the Redis server, past the proxy."""
        return Redis.from_url(self._direct["REDIS_URL"])

    def tenant(self, slug: str, *, tier: str) -> tuple[Tenant, Way]:
        """Sign a company up with one product in stock, and return the tenant and a way in."""
        email = f"owner@{slug}.example"
        signup = registration.SignUp(
            company_name=slug.capitalize(),
            slug=slug,
            admin_email=email,
            admin_name="Owner",
            password_hash=hash_password(self.runtime.settings, PASSWORD),
            tier=tier,
        )
        tenant_id = registration.register(self.runtime, signup)
        eventually(lambda: self._fresh(tenant_id).status == "active", within=60, what="the opening of the workspace")
        return self._fresh(tenant_id), self._way_in(slug, email)

    def _fresh(self, tenant_id: UUID) -> Tenant:
        self.runtime.resolver.forget(tenant_id)
        return self.runtime.resolver.by_id(tenant_id)

    def _way_in(self, slug: str, email: str) -> Way:
        session = requests.Session()
        session.headers["Host"] = f"{slug}.localhost:{self.port}"
        base = f"http://127.0.0.1:{self.port}/api/v1"
        answer = session.post(f"{base}/auth/signin", json={"email": email, "password": PASSWORD}, timeout=10)
        answer.raise_for_status()
        token = answer.json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        product = {"name": "Stock", "sku": "STOCK", "price": "1.00", "currency": "EUR", "inventory": STOCK}
        answer = session.post(f"{base}/products", json=product, timeout=10)
        answer.raise_for_status()
        return Way(self.port, f"{slug}.localhost", token, answer.json()["id"])


def eventually(happened: Callable[[], bool], *, within: float, what: str, every: float = 0.05) -> float:
    """Wait until `happened()` and return the seconds that took.

    Raises AssertionError when it does not happen in time.
    """
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within, f"{what} did not happen within {within:.0f} s"
        time.sleep(every)
    return time.monotonic() - began


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Let processes hang while the block runs: alive, connected, and answering nothing."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0


def _moved(url: str, port: int) -> str:
    parts = urlsplit(url)
    before, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{before}{at}127.0.0.1:{port}"))
