"""An installation to measure: servers of its own, both kinds of tenant, and a way in for the floors."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from flask import Flask
from psycopg import sql

from app.accounts.passwords import hash_password
from app.factory import build_runtime, create_app
from benchmarks.client import request
from config.logging import configure_logging
from config.settings import Settings
from stack.testing import TestStack
from tenants import provisioning, registration
from tenants.bootstrap import BACKUP, bootstrap
from tenants.migrate import migrate_all
from tenants.rate import RateLimiter
from tenants.runtime import Runtime
from tenants.tenant import Tenant

PASSWORD = "a lighthouse in the fog"
# The addresses that the programs are told; the superuser's stays here.
_LOGIN_URLS = ("DATABASE_URL", "WORKER_DATABASE_URL", "DATABASE_ADMIN_URL")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """The owner of a tenant."""

    email: str
    password: str = PASSWORD


@dataclass
class Site:
    """The servers and the application on them; a context manager."""

    pools: int = 2
    _stack: TestStack = field(default_factory=lambda: TestStack(fast=False))
    env: dict[str, str] = field(default_factory=dict)
    # A login that row security does not filter: what a floor reads as.
    reader_url: str = field(default="", repr=False)
    _superuser_url: str = field(default="", repr=False)

    def __enter__(self) -> Self:
        """Start the servers and bring the database to the head."""
        found = {**self._stack.__enter__(), "SPARES": "0", "POOLS": str(self.pools)}
        superuser = self._superuser_url = found.pop("DATABASE_SUPERUSER_URL")
        password = secrets.token_urlsafe(18)
        bootstrap(superuser, {**_passwords(found), BACKUP: password})
        parts = urlsplit(superuser)
        self.reader_url = urlunsplit(parts._replace(netloc=f"{BACKUP}:{password}@{parts.hostname}:{parts.port}"))
        migrate_all(found["DATABASE_ADMIN_URL"], pools=self.pools)
        self.env = {"PATH": os.environ.get("PATH", os.defpath), **found}
        self.settings = Settings.from_env(self.env)
        built = build_runtime(self.settings)
        # Time flies for the limiter alone: it does its work at every request, and never has to say no.
        self.runtime: Runtime = replace(built, limiter=RateLimiter(built.redis, clock=itertools.count(1.0).__next__))
        self.worker_runtime: Runtime = build_runtime(self.settings, as_worker=True)
        self.app: Flask = create_app(runtime=self.runtime)
        _log_into_nothing()
        return self

    def __exit__(self, *error: Any) -> None:
        """Stop the servers; their data goes with them."""
        for runtime in (self.runtime, self.worker_runtime):
            runtime.databases.dispose()
            runtime.redis.close()
        self._stack.close()

    def tenant(self, tier: str) -> tuple[Tenant, Person]:
        """Sign a company up and provision it in this process."""
        slug = f"bench-{next(_numbers)}"
        person = Person(f"owner@{slug}.example")
        signup = registration.SignUp(
            company_name=slug,
            slug=slug,
            admin_email=person.email,
            admin_name="Owner",
            password_hash=hash_password(self.settings, person.password),
            tier=tier,
        )
        tenant_id = registration.register(self.runtime, signup)
        provisioning.provision(self.worker_runtime, SimpleNamespace(attempt=1), tenant_id=str(tenant_id))
        self.runtime.resolver.forget(tenant_id)
        return self.runtime.resolver.by_id(tenant_id), person

    def host(self, tenant: Tenant) -> str:
        """Return the host at which the tenant is served."""
        return f"{tenant.slug}.{self.settings.apex}"

    def token(self, tenant: Tenant, person: Person) -> str:
        """Sign a person in and return the access token."""
        credentials = {"email": person.email, "password": person.password}
        answer = request(self.app, "POST", "/api/v1/auth/signin", host=self.host(tenant), json=credentials)()
        return str(answer.json["access_token"])

    def analyze(self, tenant: Tenant) -> None:
        """Bring the planner's statistics of the tenant's schema up to date, as autovacuum would in time."""
        found = "SELECT tablename FROM pg_tables WHERE schemaname = %s"

        def bring_up(connection: psycopg.Connection[Any]) -> None:
            for (name,) in connection.execute(found, [tenant.schema]).fetchall():
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(str(tenant.schema), name)))

        self.write(bring_up)

    def write(self, do: Callable[[psycopg.Connection[Any]], object]) -> None:
        """Let `do` prepare rows on a connection that no wall stands around."""
        with psycopg.connect(self._superuser_url, autocommit=True) as connection:
            do(connection)


def _log_into_nothing() -> None:
    """Write every log line as a server does, but not onto this terminal."""
    configure_logging()
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 (as long as the process)


def _passwords(env: dict[str, str]) -> dict[str, str]:
    logins = (urlsplit(env[name]) for name in _LOGIN_URLS)
    return {str(parts.username): unquote(parts.password or "") for parts in logins}
