"""A database and a Redis server of their own: here both are flushed, killed and filled with rubbish."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis import Redis

from config.settings import Settings
from stack.folder import DataFolder
from stack.valkey import Valkey
from tenants.runner import Runner
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.conftest import PASSWORD, clone_database
from tests.jobs.engine import house


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Return a Redis server that only these tests use."""
    folder = DataFolder(tmp_path_factory.mktemp("jobs"))
    server = Valkey(folder)
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def jobs_superuser_url() -> str:
    """Return a superuser's address of the database of these tests; for looking, never for the product's code."""
    return clone_database(f"jobs_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


@pytest.fixture(scope="session")
def process_env(valkey: Valkey, jobs_superuser_url: str) -> dict[str, str]:
    """Return what the background processes of these tests find in their environment."""
    return {
        "DATABASE_URL": _login(jobs_superuser_url, "terrace_app"),
        "WORKER_DATABASE_URL": _login(jobs_superuser_url, "terrace_worker"),
        "BASE_URL": "http://localhost",
        **valkey.env(),
    }


@pytest.fixture(scope="session")
def house_runtime(process_env: dict[str, str]) -> Iterator[Runtime]:
    """Return a runtime that knows the jobs of these tests only."""
    runtime = house.build(Settings.from_env({**os.environ, **process_env}))
    yield runtime
    runtime.databases.dispose()
    runtime.redis.close()


@pytest.fixture
def runtime(house_runtime: Runtime, valkey: Valkey) -> Iterator[Runtime]:
    """Return the runtime, with nothing left in Redis or open in the ledger from the test before."""
    house_runtime.redis.flushall()
    yield house_runtime
    house.close_all(house_runtime)


@pytest.fixture
def tenant(runtime: Runtime) -> Tenant:
    """Return a fresh tenant in the first pool."""
    return house.make_tenant(runtime)


@pytest.fixture
def other(runtime: Runtime) -> Tenant:
    """Return a second fresh tenant."""
    return house.make_tenant(runtime)


@pytest.fixture
def redis(runtime: Runtime) -> Redis:
    """Return a client of the Redis server."""
    return runtime.redis


@pytest.fixture
def work(runtime: Runtime) -> Callable[[], int]:
    """Return a function that runs every due job in this process and says how many."""
    runner = Runner(runtime)

    def run() -> int:
        total = 0
        while ran := sum(runner.work_shift(queue) for queue in ("urgent", "default", "bulk")):
            total += ran
        return total

    return run


def _login(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{parts.hostname}:{parts.port}"))
