"""From host to tenant: one form for every host, one answer for every host that is nobody's."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from app.kit.clock import utcnow
from tenants import lifecycle, resolver
from tenants.errors import NoSuchTenant
from tenants.models import Host, TenantRecord, TierOverride
from tenants.resolver import Resolver, normal_host
from tests.world import client_at

NOBODY = [
    "", " ", "unused-slug.localhost", "UNUSED.localhost", "127.0.0.1", "[::1]", "xn--acme-1234.localhost", "a" * 300,
    "a" * 300 + ".localhost", "acme.localhost:http", "acme.localhost:99999", ".localhost", "..localhost",
    "acme..localhost", "acme_.localhost", "acme/.localhost", "acme.localhost.evil.example", "x.acme.localhost",
    "acme.localhost@evil.example", "ac%6de.localhost", "аcme.localhost", "www.localhost", "-acme.localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", NOBODY)
def test_every_host_that_is_nobodys_gets_the_same_answer(app: Any, host: str) -> None:
    def ask(name: str) -> tuple[str, bytes, list[tuple[str, str]]]:
        # Straight into the application: a client library would refuse to send some of these.
        environ = create_environ("/api/v1/products", environ_overrides={"HTTP_HOST": name})
        chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
        body = b"".join(chunks).replace(headers["X-Request-Id"].encode(), b"")
        changing = ("X-Request-Id", "Content-Security-Policy", "Date")
        return status, body, [(k, v) for k, v in headers if k not in changing]

    assert ask(host.encode("utf-8").decode("latin-1")) == ask("certainly-unused.localhost")
    assert ask(host.encode("utf-8").decode("latin-1"))[0].startswith("404")


@pytest.mark.parametrize("form", ["{}", "{}.", "{}:80", "{}:65535"])
def test_every_spelling_of_a_host_is_the_same_tenant(runtime: Any, acme: Any, form: str) -> None:
    for host in (form.format(acme.host), form.format(acme.host).upper()):
        assert runtime.resolver.by_host(normal_host(host)).id == acme.tenant.id


@given(st.text(max_size=300))
def test_normal_host_never_raises_and_is_idempotent(raw: str) -> None:
    host = normal_host(raw)
    assert host is None or normal_host(host) == host


def test_a_proven_custom_domain_is_the_tenants_and_an_unproven_one_nobodys(runtime: Any, acme: Any) -> None:
    name = f"shop-{acme.tenant.slug}.example"
    with runtime.control() as session:
        session.add(Host(name=name, tenant_id=acme.tenant.id))
    with pytest.raises(NoSuchTenant):
        runtime.resolver.by_host(name)
    with runtime.control() as session:
        session.get_one(Host, name).verified_at = utcnow()
    runtime.resolver.changed(acme.tenant.id)
    assert runtime.resolver.by_host(name).id == acme.tenant.id


def test_a_second_look_costs_no_query(runtime: Any, acme: Any) -> None:
    runtime.resolver.by_host(acme.host)
    hits = runtime.resolver.hits
    runtime.resolver.by_host(acme.host)
    assert runtime.resolver.hits == hits + 1


def test_a_change_reaches_every_process_at_once(runtime: Any, worker_runtime: Any, acme: Any) -> None:
    for one in (runtime, worker_runtime):
        assert one.resolver.by_host(acme.host).status == "active"
    time.sleep(0.3)  # the subscription of a fresh process needs a moment; without it the TTL alone would do
    lifecycle.suspend(runtime, acme.tenant.id, reason="Unpaid")
    assert runtime.resolver.by_host(acme.host).status == "suspended"
    deadline = time.monotonic() + 5
    while worker_runtime.resolver.by_host(acme.host).status != "suspended":
        assert time.monotonic() < deadline, "the other process did not hear of the change"
        time.sleep(0.02)
    lifecycle.resume(runtime, acme.tenant.id)


def test_without_redis_the_time_to_live_bounds_staleness(runtime: Any, acme: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(resolver, "TTL", 0.05)
    runtime.resolver.forget(acme.tenant.id)
    runtime.resolver.by_host(acme.host)
    with runtime.control() as session:
        session.get_one(TenantRecord, acme.tenant.id).company_name = "Renamed"
    time.sleep(0.06)  # the very thing under test
    assert runtime.resolver.by_host(acme.host).company_name == "Renamed"


def test_overrides_count_while_they_last(runtime: Any, acme: Any) -> None:
    with runtime.control() as session:
        for name, value, expires in (("products", 7, None), ("orders", 9, utcnow())):
            session.add(TierOverride(tenant_id=acme.tenant.id, kind="limit", name=name, value=value, reason="A trial",
                                     expires_at=expires, created_by="operator"))  # fmt: skip
        session.add(TierOverride(tenant_id=acme.tenant.id, kind="feature", name="custom_branding", value=1,
                                 reason="A promise", created_by="operator"))  # fmt: skip
    runtime.resolver.changed(acme.tenant.id)
    tenant = runtime.resolver.by_id(acme.tenant.id)
    assert (tenant.limit("products"), tenant.limit("orders"), tenant.has_feature("custom_branding")) == (7, 1000, True)


def test_health_answers_on_every_host(app: Any) -> None:
    for host in ("127.0.0.1", "localhost", "whatever.example"):
        client = client_at(app, host)
        assert client.get("/health").json["status"] == "ok"
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200


def test_a_tenant_whose_time_has_ended_is_read_once_however_many_ask(settings: Any, runtime: Any, acme: Any) -> None:
    resolver = Resolver(settings, runtime.databases, runtime.redis)
    resolver.follows = False
    reading, go_on, read = threading.Event(), threading.Event(), []
    load = resolver._load

    def slowly(condition: Any) -> Any:
        read.append(condition)
        reading.set()
        assert go_on.wait(10)
        return load(condition)

    resolver._load = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(resolver.by_id, acme.tenant.id) for _ in range(15)]
        assert reading.wait(10)
        # Who asks after a change does not get what was being read before it.
        resolver.forget(acme.tenant.id)
        later = pool.submit(resolver.by_id, acme.tenant.id)
        ends = time.monotonic() + 10
        while len(read) < 2:
            assert time.monotonic() < ends
            time.sleep(0.002)
        go_on.set()
        assert {one.result(10).id for one in (*asked, later)} == {acme.tenant.id}
    assert len(read) == 2
    assert resolver._loading == {}


def test_a_failed_reading_is_told_to_all_who_waited_and_to_nobody_after(settings: Any, runtime: Any, acme: Any) -> None:
    resolver = Resolver(settings, runtime.databases, runtime.redis)
    resolver.follows = False
    load = resolver._load

    def fail(condition: Any) -> Any:
        raise OSError("no road")

    resolver._load = fail  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no road"):
        resolver.by_id(acme.tenant.id)
    resolver._load = load  # type: ignore[method-assign]
    assert resolver.by_id(acme.tenant.id).id == acme.tenant.id
