"""What travels through Redis, and what a worker refuses of it."""

from __future__ import annotations

import os
import pickle
import time
import uuid

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import DeserializationError
from rq.serializers import JSONSerializer

from app.kit.jobs.bell import ENOUGH, ENTRY, Bell
from app.kit.jobs.envelope import Envelope, ForgedEnvelope, Sealer
from app.kit.keys import platform_key, tenant_key
from app.kit.redis_client import connect
from tenants.horse import Foreman
from tenants.runner import Runner
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.jobs.engine import house

SECRET = "a secret of at least thirty-two bytes"


def test_an_envelope_opens_as_it_was_sealed() -> None:
    envelope = Envelope(uuid.uuid4(), uuid.uuid4())
    assert Sealer(SECRET).open(Sealer(SECRET).seal(envelope)) == envelope


@pytest.mark.parametrize("change", ["tenant", "job", "seal"])
def test_a_changed_envelope_is_refused(change: str) -> None:
    sealed = Sealer(SECRET).seal(Envelope(uuid.uuid4(), uuid.uuid4()))
    for value in (str(uuid.uuid4()), "", "ü", None, 7, [1]):
        with pytest.raises(ForgedEnvelope):
            Sealer(SECRET).open({**sealed, change: value})
    with pytest.raises(ForgedEnvelope):
        Sealer(SECRET).open({name: value for name, value in sealed.items() if name != change})


def test_an_envelope_of_another_installation_is_refused() -> None:
    sealed = Sealer(SECRET + "2").seal(Envelope(uuid.uuid4(), uuid.uuid4()))
    with pytest.raises(ForgedEnvelope):
        Sealer(SECRET).open(sealed)


def test_a_forged_bell_runs_nothing(runtime: Runtime, tenant: Tenant) -> None:
    with runtime.tenant(tenant) as ctx:
        job_id = ctx.enqueue("house.quick", {"name": "forged"})
    forged = Sealer(SECRET).seal(Envelope(tenant.id, job_id))
    with pytest.raises(ForgedEnvelope):
        Runner(runtime).perform(forged)
    assert house.job(runtime, tenant.id, job_id).state == "queued"


def test_a_true_bell_for_a_job_that_is_not_there_runs_nothing(runtime: Runtime, tenant: Tenant) -> None:
    sealed = Sealer(runtime.settings.secret_key).seal(Envelope(tenant.id, uuid.uuid4()))
    assert Runner(runtime).perform(sealed) == 0


def test_a_worker_runs_no_other_function(runtime: Runtime, redis: Redis) -> None:
    foreman = Foreman(runtime, ["default"])
    foreign = Queue("default", connection=redis, serializer=JSONSerializer).enqueue_call("os.getpid", timeout=-1)
    taken = foreman.job_class.fetch(foreign.id, connection=redis, serializer=JSONSerializer)
    with pytest.raises(ForgedEnvelope):
        taken.perform()


def test_a_pickled_payload_is_not_read(runtime: Runtime, redis: Redis) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("exit 7",)

    foreman = Foreman(runtime, ["default"])
    job = Queue("default", connection=redis, serializer=JSONSerializer).enqueue_call(ENTRY, timeout=-1)
    redis.hset(f"rq:job:{job.id}", "data", pickle.dumps((ENTRY, None, (Trap(),), {})))
    taken = foreman.job_class.fetch(job.id, connection=redis, serializer=JSONSerializer)
    with pytest.raises(DeserializationError):
        taken.perform()


def test_no_callback_and_no_web_address_in_redis_is_followed(runtime: Runtime, redis: Redis) -> None:
    foreman = Foreman(runtime, ["default"])
    job = Queue("default", connection=redis, serializer=JSONSerializer).enqueue_call(ENTRY, timeout=-1)
    traps = {f"{when}_callback_name": "os.abort" for when in ("success", "failure", "stopped")}
    redis.hset(
        f"rq:job:{job.id}", mapping={**traps, "webhooks": '[{"url": "http://127.0.0.1:1/", "job_status": "finished"}]'}
    )
    taken = foreman.job_class.fetch(job.id, connection=redis, serializer=JSONSerializer)
    assert taken.success_callback is taken.failure_callback is taken.stopped_callback is None
    assert taken.webhooks == []


def test_many_rings_leave_a_few_bells(runtime: Runtime, tenant: Tenant, redis: Redis) -> None:
    with runtime.tenant(tenant) as ctx:
        for number in range(30):
            ctx.enqueue("house.quick", {"name": f"n{number}"})
    assert redis.llen("rq:queue:default") == ENOUGH


def test_without_redis_a_ring_costs_next_to_nothing_and_never_raises() -> None:
    nobody = connect("redis://127.0.0.1:1/0")
    bell = Bell(nobody, SECRET)
    started = time.monotonic()
    for _ in range(100):
        bell.ring_job("default", uuid.uuid4(), uuid.uuid4())
        bell.ring_outbox()
    assert time.monotonic() - started < 0.5


def test_keys_of_two_purposes_never_meet() -> None:
    tenant_id = uuid.uuid4()
    assert tenant_key(tenant_id, "a", "b:c") != tenant_key(tenant_id, "a:b", "c")
    assert platform_key("a") != tenant_key(tenant_id, "a")
    assert tenant_key(tenant_id, "rate", 7).startswith(f"terrace:tenant:{{{tenant_id}}}:")
    with pytest.raises(TypeError):
        tenant_key(str(tenant_id), "a")  # type: ignore[arg-type]
