"""Every kind of job: its envelope, its tenant and the ids in its arguments (ISO-06)."""

from __future__ import annotations

import inspect
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.kit.clock import utcnow
from app.kit.db import PLATFORM_ID
from app.kit.desk import Job
from app.kit.jobs.envelope import Envelope, ForgedEnvelope, Sealer
from app.kit.jobs.queueing import enqueue
from tenants.runner import Runner
from tests.isolation.matrix import PAIRS, Matrix, least
from tests.isolation.neighbours import Neighbour

ENDED = ("succeeded", "failed", "cancelled")
# Arguments of jobs by what they name; a new job with an argument that is not here fails by its name.
ARGUMENTS = {
    "run_id": ("import_id", "export_id"),
    "user_id": ("user_id",),
    "file_id": ("file_id",),
    "tenant_id": ("tenant_id",),
    "event": ("order_id", "product_id", "user_id", "session_id"),
    "email": (),
    "template": (),
    "sealed": (),
}


@pytest.fixture
def runner(matrix: Matrix) -> Runner:
    """Return a worker of this installation."""
    return Runner(matrix.street.world.worker_runtime)


def _specs(matrix: Matrix) -> list[Any]:
    return [spec for spec in matrix.street.world.runtime.jobs if not spec.platform]


def _arguments(spec: Any) -> list[str]:
    parameters = list(inspect.signature(spec.run).parameters.values())
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _put(matrix: Matrix, tenant_id: uuid.UUID, kind: str, args: dict[str, Any]) -> uuid.UUID:
    """Write a job to the ledger as the platform may, whoever it is for."""
    spec = matrix.street.world.worker_runtime.jobs.get(kind)
    with matrix.street.world.worker_runtime.platform() as session:
        made = enqueue(session, spec, args, tenant_id=tenant_id, now=utcnow() - timedelta(seconds=1))
    assert made is not None
    return made


def _state(matrix: Matrix, job_id: uuid.UUID) -> Job:
    with matrix.street.world.worker_runtime.platform() as session:
        return session.scalars(select(Job).where(Job.id == job_id)).one()


def _finish(matrix: Matrix, job_id: uuid.UUID) -> None:
    """End a job that waits for another attempt, so that later tests do not meet it."""
    with matrix.street.world.worker_runtime.platform() as session:
        job = session.scalars(select(Job).where(Job.id == job_id).with_for_update()).one()
        if job.state not in ENDED:
            job.state = "cancelled"


def test_the_arguments_of_every_job_are_known(matrix: Matrix) -> None:
    unknown = {(s.kind, a) for s in matrix.street.world.runtime.jobs for a in _arguments(s) if a not in ARGUMENTS}
    assert unknown == set(), "say in ARGUMENTS what these name"
    kinds = [spec.kind for spec in matrix.street.world.runtime.jobs]
    print(f"{len(kinds)} kinds of jobs")
    assert len(kinds) >= least()["jobs"]


def test_a_bell_that_this_installation_did_not_ring_is_refused(matrix: Matrix, runner: Runner) -> None:
    own, other = matrix.street["A"], matrix.street["B"]
    good = Sealer(matrix.street.world.runtime.settings.secret_key).seal(
        Envelope(own.tenant.id, uuid.UUID(own.live["job_id"]))
    )
    forged: list[dict[str, Any]] = [
        {},
        {**good, "tenant": str(other.tenant.id)},
        {**good, "job": other.live["job_id"]},
        {**good, "seal": "0" * 64},
        {**good, "tenant": None},
        {k: v for k, v in good.items() if k != "tenant"},
        {k: v for k, v in good.items() if k != "seal"},
        Sealer("another installation's secret key").seal(Envelope(own.tenant.id, uuid.UUID(own.live["job_id"]))),
    ]
    before = matrix.digest(own)
    for sealed in forged:
        with pytest.raises(ForgedEnvelope):
            runner.perform(sealed)
    assert matrix.digest(own) == before


def test_no_job_runs_for_a_tenant_that_is_nobody_suspended_or_the_platform(matrix: Matrix, runner: Runner) -> None:
    closed, put = matrix.street["E"], []
    nowhere = (
        (uuid.uuid4(), "tenant.not_found"),
        (closed.tenant.id, "tenant.suspended"),
        (PLATFORM_ID, "job.wrong_side"),
    )
    for spec in _specs(matrix):
        put += [(spec.kind, code, _put(matrix, tenant_id, spec.kind, {})) for tenant_id, code in nowhere]
    matrix.street.world.drain()
    for kind, code, job_id in put:
        job = _state(matrix, job_id)
        assert job.state == "failed", (kind, code, job.state)
        assert (job.error or {}).get("code") == code, kind


def _named(home: Neighbour, argument: str, kind: str, spec: Any) -> Any:
    value = home.live[kind]
    if argument != "event":
        return value
    return {"id": str(uuid.uuid4()), "type": spec.kind, "aggregate_id": value, "actor_id": None,
            "occurred_at": utcnow().isoformat(), "payload": {kind: value, "aggregate_id": value}}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"a job of {p[0]} names things of {p[1]}")
def test_a_job_that_names_things_of_others_is_like_one_that_names_nothing(
    matrix: Matrix, pair: tuple[str, str]
) -> None:
    own, other = matrix.street[pair[0]], matrix.street[pair[1]]
    tried = 0
    for spec in _specs(matrix):
        for argument in _arguments(spec):
            for kind in ARGUMENTS[argument]:
                outcomes = []
                for value in (_named(other, argument, kind, spec), _nothing(other, argument, kind, spec)):
                    before = matrix.digest(own)
                    job_id = _put(matrix, own.tenant.id, spec.kind, {argument: value})
                    matrix.street.world.drain()
                    job = _state(matrix, job_id)
                    outcomes.append((job.state, (job.error or {}).get("code"), job.result))
                    _finish(matrix, job_id)
                    assert matrix.digest(own) == before, (spec.kind, argument)
                assert outcomes[0] == outcomes[1], (spec.kind, argument, kind)
                tried += 1
    print(f"{tried} arguments of jobs")
    assert tried >= least()["job_arguments"]


def _nothing(home: Neighbour, argument: str, kind: str, spec: Any) -> Any:
    made = _named(home, argument, kind, spec)
    nobody = str(uuid.uuid4())
    if argument != "event":
        return nobody
    return {**made, "aggregate_id": nobody, "payload": {kind: nobody, "aggregate_id": nobody}}


def test_two_jobs_of_two_houses_one_after_the_other_keep_apart(matrix: Matrix) -> None:
    """One worker, one process, one connection pool: A's, B's, A's, C's directory and export jobs in turn."""
    for label in ("A", "B", "A", "C", "B"):
        home = matrix.street[label]
        before = matrix.digest(home)
        with home.acting() as ctx:
            job_id = ctx.enqueue("accounts.directory", {"user_id": home.live["user_id"]})
        matrix.street.world.drain()
        assert _state(matrix, job_id).state == "succeeded"
        assert matrix.digest(home) == before
