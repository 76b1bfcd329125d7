"""A full disk: uploads say so, jobs wait for room, nothing half written is ever seen, and all else is served."""

from __future__ import annotations

import gc
import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from app.exports.models import ExportRun
from app.files.models import FileObject
from app.imports.models import ImportRun
from app.kit.clock import utcnow
from app.kit.desk import Job
from tests.world import Api, House

HEADER = "name,sku,price,currency,inventory\n"
ROWS = "".join(f"Lamp {n},L-{n},9.00,EUR,{n}\n" for n in range(12))
# Forms larger than werkzeug keeps in memory go to disk as a whole; smaller ones only their file.
FILE = '--cut\r\nContent-Disposition: form-data; name=file; filename="lamps.csv"\r\nContent-Type: text/csv\r\n\r\n'
LARGE = HEADER + ROWS + "\n" * 700_000


# The form parser leaves a file that it could not write to the end to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def collect() -> Iterator[None]:
    """Let go of half-written files while nobody minds."""
    yield
    gc.collect()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond a few bytes while the block runs, as on a volume without room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def send(api: Api, content: str, key: str) -> Any:
    """Start an import of `content`."""
    # Put together by hand: the client of the tests would need a file of its own for a large one.
    fields = f"--cut\r\nContent-Disposition: form-data; name=resource\r\n\r\nproducts\r\n{FILE}{content}\r\n--cut--\r\n"
    kind = "multipart/form-data; boundary=cut"
    return api.post("/imports", data=fields.encode(), content_type=kind, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("content", [HEADER + ROWS, LARGE], ids=["small", "large"])
def test_an_upload_says_that_there_is_no_room_and_is_taken_later(acme: House, content: str) -> None:
    api, key = acme.api(), uuid4().hex
    with full_disk():
        answer = send(api, content, key)
        assert api.get("/products").status_code == 200
    assert (answer.status_code, answer.mimetype) == (507, "application/problem+json")
    assert answer.json["code"] == "storage.full"
    assert answer.json["detail"] == "Nothing of this was saved. Try again in a few minutes; if it stays, tell us."
    assert int(answer.headers["Retry-After"]) > 0
    assert nothing_of(acme, ImportRun, FileObject)
    assert send(api, content, key).status_code == 202


def test_a_page_that_takes_a_file_says_that_there_is_no_room(acme: House) -> None:
    window = acme.signed_in()
    fields = {"file": (io.BytesIO((HEADER + ROWS).encode()), "lamps.csv"), "resource": "products"}
    with full_disk():
        answer = window.submit("/imports/new", fields, form="/imports/new?resource=products")
    assert answer.status_code == 507, answer.text
    assert "There is no room for files right now" in answer.text
    assert nothing_of(acme, ImportRun, FileObject)


def test_an_import_waits_for_room_and_then_brings_in_every_row_once(acme: House) -> None:
    api = acme.api()
    started = send(api, HEADER + ROWS, uuid4().hex).json
    with full_disk():
        acme.world.drain()
    wait_over(acme, started["job_id"])
    assert len(api.get("/products?limit=100").json["items"]) == 12


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_an_export_waits_for_room_and_shows_no_file_before(acme: House, format_: str) -> None:
    api = acme.api()
    for n in range(3):
        body = {"name": f"Lamp {n}", "sku": f"L{n}", "price": "9.00", "currency": "EUR"}
        assert api.post("/products", json=body).status_code == 201
    started = api.post("/exports", json={"resource": "products", "format": format_}).json
    with full_disk():
        acme.world.drain()
    with acme.ctx() as ctx:
        assert ctx.db.scalars(select(FileObject.state)).all() == ["pending"]
        assert ctx.db.scalars(select(ExportRun.file_id)).all() == [None]
    wait_over(acme, started["job_id"])
    with acme.ctx() as ctx:
        assert sorted(ctx.db.scalars(select(FileObject.state)).all()) == ["pending", "ready"]


def wait_over(house: House, job_id: str) -> None:
    """Check that the job waits for room, and have it done now that there is some."""
    with house.ctx() as ctx:
        job = ctx.db.get_one(Job, (ctx.tenant.id, job_id))
        assert job.state == "queued"
        assert job.error is not None
        assert job.error["code"] == "storage.full"
        ctx.db.execute(update(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job.id).values(run_at=utcnow()))
    house.world.drain()
    with house.ctx() as ctx:
        assert ctx.db.get_one(Job, (ctx.tenant.id, job_id)).state == "succeeded"


def nothing_of(house: House, *models: Any) -> bool:
    """Say whether the tenant has no row of any of these."""
    with house.ctx() as ctx:
        return not any(ctx.db.scalar(select(func.count()).select_from(model)) for model in models)
