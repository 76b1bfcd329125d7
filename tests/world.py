"""Makes tenants and people for tests, through the same code that serves real ones."""

from __future__ import annotations

import itertools
import re
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from typing_extensions import override

from app.accounts.passwords import hash_password
from app.kit.jobs.registry import QUEUES
from tenants import registration
from tenants.relay import Relay
from tenants.runner import Runner
from tenants.runtime import Runtime
from tenants.tenant import Tenant

PASSWORD = "a lighthouse in the fog"
_HIDDEN = re.compile(r'name="(csrf_token|idempotency_key)" value="([^"]*)"')
_numbers = itertools.count(1)


class Browser(FlaskClient):
    """A client that stays on one host, with cookies."""

    host = "localhost"

    @override
    def open(self, *args: Any, **options: Any) -> Any:
        if args and isinstance(args[0], str):
            options.setdefault("base_url", f"http://{self.host}")
        return super().open(*args, **options)


class HostClient(FlaskClient):
    """A test client that speaks to one host."""

    host = "localhost"

    def open(self, *args: Any, **options: Any) -> Any:
        """Send a request to the client's host."""
        if args and isinstance(args[0], str):
            options.setdefault("base_url", f"http://{self.host}")
        return super().open(*args, **options)


def client_at(app: Flask, host: str) -> HostClient:
    """Return a client of `app` that speaks to `host` and keeps cookies."""
    client = HostClient(app, app.response_class, use_cookies=True)
    client.host = host
    return client


@dataclass(frozen=True)
class House:
    """One tenant of a test, with its owner's ways in."""

    world: World
    tenant: Tenant
    owner_email: str

    @property
    def host(self) -> str:
        """The tenant's host name."""
        return f"{self.tenant.slug}.localhost"

    def ctx(self, **options: Any) -> Any:
        """Open a transaction inside the tenant as the system; a context manager."""
        return self.world.runtime.tenant(self.tenant.id, **options)

    def browser(self) -> Browser:
        """Return a client that speaks to the tenant's host and keeps cookies."""
        client = Browser(self.world.app, self.world.app.response_class, use_cookies=True)
        client.host = self.host
        return client

    def signed_in(self, email: str | None = None, password: str = PASSWORD) -> Window:
        """Sign in on the web and return the browser."""
        window = Window(self.browser())
        answer = window.submit("/signin", {"email": email or self.owner_email, "password": password})
        assert answer.status_code == 303, answer.text
        return window

    def api(self, email: str | None = None, password: str = PASSWORD) -> Api:
        """Sign in over the API and return a client that carries the token."""
        client = self.browser()
        answer = client.post("/api/v1/auth/signin", json={"email": email or self.owner_email, "password": password})
        assert answer.status_code == 200, answer.text
        return Api(client, answer.json["access_token"])


@dataclass
class Window:
    """A browser without script: it fills in the hidden fields that each form carries."""

    client: FlaskClient

    def get(self, path: str, **options: Any) -> Any:
        """Open a page."""
        return self.client.get(path, **options)

    def submit(self, path: str, data: dict[str, Any], *, form: str | None = None) -> Any:
        """Send the form that the page `form` (or the one at `path`) shows."""
        page = self.client.get(form or path).get_data(as_text=True)
        hidden = dict(_HIDDEN.findall(page))
        return self.client.post(path, data={**hidden, **data}, content_type="multipart/form-data")


@dataclass
class Api:
    """A client of the JSON API with a bearer token."""

    client: FlaskClient
    token: str

    def __getattr__(self, method: str) -> Any:
        def send(path: str, **options: Any) -> Any:
            headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
            return getattr(self.client, method)(f"/api/v1{path}", headers=headers, **options)

        return send


class World:
    """The installation under test."""

    def __init__(self, app: Flask, runtime: Runtime, worker_runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self.worker_runtime = worker_runtime
        self._runner = Runner(worker_runtime)
        self._relay = Relay(worker_runtime)

    def tenant(self, name: str, *, owner: str = "alice", tier: str = "basic") -> House:
        """Sign a company up and provision it, with a slug of its own."""
        slug = f"{name}-{next(_numbers)}-{uuid.uuid4().hex[:6]}"
        email = f"{owner}@{name}.example"
        tenant_id = registration.register(
            self.runtime,
            registration.SignUp(
                company_name=name.capitalize(),
                slug=slug,
                admin_email=email,
                admin_name=owner.capitalize(),
                password_hash=hash_password(self.runtime.settings, PASSWORD),
                tier=tier,
            ),
        )
        self.drain()
        self.runtime.resolver.forget(tenant_id)
        tenant = self.runtime.resolver.by_id(tenant_id)
        assert tenant.status == "active", tenant.status_reason
        return House(self, tenant, email)

    def drain(self) -> int:
        """Relay every waiting event and run every due job, in this process; return how many jobs ran."""
        total = 0
        while True:
            relayed = self._relay.drain()
            databases = self.worker_runtime.databases.names()
            ran = sum(self._runner.work_shift(queue, name) for name in databases for queue in QUEUES)
            total += ran
            if not relayed and not ran:
                return total
