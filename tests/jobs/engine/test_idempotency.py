"""One key, one effect, one answer; whatever is repeated, raced or cut off."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit import idempotency
from app.kit.idempotency import InProgress, KeyMalformed, KeyReused, Slot, StoredAnswer
from tenants.context import Ctx
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house


class Cut(Exception):
    """The process was cut off here."""


def slot(tenant: Tenant, key: str | None = None, fingerprint: str = "body") -> Slot:
    """Return a fresh slot."""
    return Slot(tenant.id, "alice", "POST /things", key or uuid.uuid4().hex, fingerprint)


def serve(
    ctx: Ctx,
    wanted: Slot,
    metric: str,
    *,
    status: int = 201,
    cut: str = "",
    pause: float = 0,
    later: timedelta = timedelta(),
) -> StoredAnswer:
    """Do what the edge does: replay, or have the effect and keep the answer."""
    stored = idempotency.begin(ctx.db, wanted, now=ctx.now + later)
    if stored is not None:
        return stored
    if cut == "begun":
        raise Cut
    house.add(ctx, metric)
    house.pause_for(pause)
    if cut == "done":
        raise Cut
    answer = StoredAnswer(status, {"Content-Type": "text/plain", "Location": f"/{metric}"}, uuid.uuid4().bytes)
    idempotency.finish(ctx.db, wanted, answer.status, {**answer.headers, "Set-Cookie": "secret"}, answer.body)
    if cut == "stored":
        raise Cut
    return answer


def test_twenty_at_once_have_one_effect_and_one_answer(runtime: Runtime, tenant: Tenant) -> None:
    wanted = slot(tenant)
    together = threading.Barrier(5)

    def post(number: int) -> StoredAnswer:
        if number < 5:
            together.wait()
        with runtime.tenant(tenant) as ctx:
            return serve(ctx, wanted, "one", pause=0.05)

    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(post, range(20)))
    assert house.effects(runtime, tenant) == {"one": 1}
    assert len({answer.body for answer in answers}) == 1
    assert answers[-1].headers == {"Content-Type": "text/plain", "Location": "/one"}


def test_a_key_with_another_body_is_refused(runtime: Runtime, tenant: Tenant) -> None:
    wanted = slot(tenant)
    with runtime.tenant(tenant) as ctx:
        serve(ctx, wanted, "one")
    with pytest.raises(KeyReused) as refused, runtime.tenant(tenant) as ctx:
        serve(ctx, replace(wanted, fingerprint="other"), "two")
    assert (refused.value.status, refused.value.code) == (422, "idempotency.mismatch")
    assert house.effects(runtime, tenant) == {"one": 1}


def test_keys_are_not_shared_between_people_routes_and_tenants(runtime: Runtime, tenant: Tenant, other: Tenant) -> None:
    wanted = slot(tenant)
    kin = [
        wanted,
        replace(wanted, principal="bob"),
        replace(wanted, route="POST /others"),
        replace(wanted, tenant_id=other.id),
    ]
    for number, each in enumerate(kin):
        with runtime.tenant(other if each.tenant_id == other.id else tenant) as ctx:
            serve(ctx, each, f"n{number}")
    assert len(house.effects(runtime, tenant)) == 3
    assert len(house.effects(runtime, other)) == 1
    assert len({each.scope for each in kin[:3]}) == 3


def test_a_refusal_is_not_kept(runtime: Runtime, tenant: Tenant) -> None:
    wanted = slot(tenant)
    with runtime.tenant(tenant) as ctx:
        serve(ctx, wanted, "shown again", status=422)
    with runtime.tenant(tenant) as ctx:
        answer = serve(ctx, replace(wanted, fingerprint="corrected"), "one")
    assert answer.status == 201
    with runtime.tenant(tenant) as ctx:
        assert serve(ctx, replace(wanted, fingerprint="corrected"), "two").body == answer.body


def test_a_kept_answer_is_forgotten_after_a_week(runtime: Runtime, tenant: Tenant) -> None:
    wanted = slot(tenant)
    bodies = []
    for later in (timedelta(), timedelta(days=6, hours=23), timedelta(days=7, seconds=1), timedelta(days=8)):
        with runtime.tenant(tenant) as ctx:
            bodies.append(serve(ctx, wanted, "week", later=later).body)
    assert bodies[0] == bodies[1] != bodies[2] == bodies[3]
    assert house.effects(runtime, tenant) == {"week": 2}


def test_a_twin_that_waits_too_long_is_told_to_come_back(runtime: Runtime, tenant: Tenant) -> None:
    wanted = slot(tenant)
    with runtime.tenant(tenant) as first:
        serve(first, wanted, "one")
        with pytest.raises(InProgress) as refused, runtime.tenant(tenant) as twin:
            serve(twin, wanted, "two")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")
    assert house.effects(runtime, tenant) == {"one": 1}


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "ü", " a", "a "])
def test_a_malformed_key_is_refused(runtime: Runtime, tenant: Tenant, key: str) -> None:
    with pytest.raises(KeyMalformed) as refused, runtime.tenant(tenant) as ctx:
        serve(ctx, replace(slot(tenant), key=key), "one")
    assert refused.value.status == 400
    assert house.effects(runtime, tenant) == {}


@dataclass(frozen=True)
class Try:
    """One attempt of a client: where it is cut off, and with which body."""

    cut: str
    fingerprint: str


tries = st.lists(
    st.builds(
        Try, st.sampled_from(["", "begun", "done", "stored"]), st.sampled_from(["body", "body", "body", "other"])
    ),
    min_size=1,
    max_size=8,
)


@given(plan=tries, width=st.integers(1, 4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mix_of_retries_crashes_and_races_has_one_effect_and_one_answer(
    house_runtime: Runtime, property_tenant: Tenant, plan: list[Try], width: int
) -> None:
    wanted = slot(property_tenant)
    metric = f"p{wanted.key}"
    answers: list[tuple[str, StoredAnswer]] = []

    def attempt(planned: Try) -> None:
        try:
            with house_runtime.tenant(property_tenant) as ctx:
                answer = serve(ctx, replace(wanted, fingerprint=planned.fingerprint), metric, cut=planned.cut)
            answers.append((planned.fingerprint, answer))
        except (Cut, KeyReused):
            return

    with ThreadPoolExecutor(width) as threads:
        list(threads.map(attempt, plan))
    attempt(Try("", plan[0].fingerprint))
    assert house.effects(house_runtime, property_tenant, metric).get(metric, 0) == min(len(answers), 1)
    assert len({(fingerprint, answer.body) for fingerprint, answer in answers}) <= 1


@pytest.fixture(scope="module")
def property_tenant(house_runtime: Runtime) -> Tenant:
    """Return one tenant for all examples."""
    return house.make_tenant(house_runtime)
