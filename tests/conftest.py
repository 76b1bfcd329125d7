"""The servers, one migrated template database, a copy of it for each test process, and a cast of tenants."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright

from app.factory import build_runtime, create_app
from config.settings import Settings
from stack.browser import FLAGS, ensure
from stack.testing import TestStack
from tenants.bootstrap import LOGINS, bootstrap, secure_database
from tenants.migrate import migrate_all
from tenants.runtime import Runtime
from tests.world import World

PASSWORD = "only-for-tests-on-loopback"
TEMPLATE = "terrace_template"
_STACK = pytest.StashKey[TestStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that controls the run; the others inherit their addresses."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = TestStack()
    os.environ.update(stack.__enter__())
    config.stash[_STACK] = stack
    superuser = os.environ["DATABASE_SUPERUSER_URL"]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    bootstrap(_database(superuser, TEMPLATE), dict.fromkeys(LOGINS, PASSWORD))
    migrate_all(_login(superuser, TEMPLATE, "terrace_migrator"), pools=2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    stack = config.stash.get(_STACK, None)
    if stack is not None:
        stack.__exit__(None, None, None)


def _database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _login(url: str, database: str, role: str) -> str:
    parts = urlsplit(url)
    place = f"{role}:{PASSWORD}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=place, path=f"/{database}"))


def clone_database(name: str) -> str:
    """Make a copy of the migrated template and return the superuser's address of it."""
    superuser = os.environ["DATABASE_SUPERUSER_URL"]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY WAL_LOG")
    url = _database(superuser, name)
    secure_database(url)
    return url


def login_urls(superuser: str, name: str) -> dict[str, str]:
    """Return the variables that lead each login to database `name`."""
    return {
        "DATABASE_URL": _login(superuser, name, "terrace_app"),
        "WORKER_DATABASE_URL": _login(superuser, name, "terrace_worker"),
        "DATABASE_ADMIN_URL": _login(superuser, name, "terrace_migrator"),
    }


@pytest.fixture(scope="session")
def superuser_url() -> str:
    """Return a superuser's address of this process's own database; for looking, never for the product's code."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return clone_database(f"terrace_{worker}")


@pytest.fixture(scope="session")
def settings(superuser_url: str) -> Settings:
    """Return the settings of this test process: its own database and its own Redis database."""
    name = urlsplit(superuser_url).path.lstrip("/")
    number = int("".join(c for c in os.environ.get("PYTEST_XDIST_WORKER", "gw0") if c.isdigit())) + 1
    env = {
        **os.environ,
        **login_urls(superuser_url, name),
        "REDIS_URL": f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{number}",
        "BASE_URL": "http://localhost",
        "SPARES": "0",
    }
    return Settings.from_env(env)


@pytest.fixture(scope="session")
def runtime(settings: Settings) -> Iterator[Runtime]:
    """Return a web process's runtime."""
    made = build_runtime(settings)
    yield made
    made.databases.dispose()
    made.redis.close()


@pytest.fixture(scope="session")
def worker_runtime(settings: Settings) -> Iterator[Runtime]:
    """Return a worker's runtime: the login that may also see the desk across tenants."""
    made = build_runtime(replace(settings), as_worker=True)
    yield made
    made.databases.dispose()
    made.redis.close()


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Flask:
    """Return the application."""
    return create_app(runtime=runtime)


@pytest.fixture(scope="session")
def world(app: Flask, runtime: Runtime, worker_runtime: Runtime) -> World:
    """Return the maker of tenants, people and requests."""
    return World(app, runtime, worker_runtime)


@pytest.fixture
def drain(world: World) -> Callable[[], int]:
    """Return a function that relays every event and runs every due job, and says how many jobs ran."""
    return world.drain


@pytest.fixture
def acme(world: World) -> Any:
    """Return a fresh pooled tenant, owned by alice."""
    return world.tenant("acme", owner="alice")


@pytest.fixture
def globex(world: World) -> Any:
    """Return a fresh pooled tenant, in which mallory works."""
    return world.tenant("globex", owner="mallory")


@pytest.fixture
def initech(world: World) -> Any:
    """Return a fresh dedicated tenant, owned by peter."""
    return world.tenant("initech", owner="peter", tier="enterprise")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(ensure()), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(autouse=True, scope="session")
def quiet_libraries() -> None:
    """Let warnings of other people's start-up code pass; ours are errors."""
    warnings.filterwarnings("ignore", category=ResourceWarning, module=r"(redis|botocore|urllib3).*")
