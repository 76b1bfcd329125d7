"""The file store, on the real server."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import requests

from app.files import service
from app.files.errors import FileGone, StoreUnreachable
from app.files.gateway import FileStore, ObjectMissing, file_store
from app.files.jobs import sweep_tenant
from app.files.keys import new_key
from app.kit.clock import utcnow
from app.kit.errors import NotFound
from config.settings import Settings
from tests.world import House


@pytest.fixture
def store(settings: Settings) -> FileStore:
    """Return the store of this test run."""
    made = file_store(settings)
    made.ensure_bucket()
    return made


def test_an_object_comes_back_as_it_was_sent(store: FileStore) -> None:
    key = new_key(uuid4(), "export")
    stored = store.put(key, [b"one,", b"two\n"], media_type="text/csv")
    assert (stored.size, stored.sha256) == (8, hashlib.sha256(b"one,two\n").hexdigest())
    assert b"".join(store.read(key)) == b"one,two\n"


def test_a_large_object_goes_in_parts(store: FileStore) -> None:
    blocks = [os.urandom(1 << 20) for _ in range(18)]
    key = new_key(uuid4(), "export")
    stored = store.put(key, iter(blocks), media_type="application/octet-stream")
    assert stored.size == 18 << 20
    digest = hashlib.sha256()
    for chunk in store.read(key):
        digest.update(chunk)
    assert digest.hexdigest() == stored.sha256
    store.delete(key)


def test_an_upload_that_breaks_off_leaves_no_object(store: FileStore) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * (9 << 20)
        raise RuntimeError("the source failed")

    key = new_key(uuid4(), "import")
    with pytest.raises(RuntimeError):
        store.put(key, breaking(), media_type="text/csv")
    with pytest.raises(ObjectMissing):
        next(store.read(key))


def test_a_deleted_object_is_missing_and_deleting_twice_is_no_error(store: FileStore) -> None:
    key = new_key(uuid4(), "import")
    store.put(key, [b"x"], media_type="text/csv")
    store.delete(key)
    store.delete(key)
    with pytest.raises(ObjectMissing):
        next(store.read(key))


def test_a_link_forces_a_download_and_ends(store: FileStore) -> None:
    key = new_key(uuid4(), "export")
    store.put(key, [b"<script>"], media_type="text/csv")
    url = store.download_url(key, name="Öl.csv", media_type="text/csv", seconds=2)
    answer = requests.get(url, timeout=10)
    assert answer.headers["Content-Disposition"] == "attachment; filename=\"_l.csv\"; filename*=UTF-8''%C3%96l.csv"
    assert answer.headers["Content-Type"] == "text/csv"
    ends_at = time.monotonic() + 10
    while requests.get(url, timeout=10).status_code != 403:
        assert time.monotonic() < ends_at
        time.sleep(0.2)


def test_a_link_is_good_for_its_object_alone(store: FileStore) -> None:
    mine, theirs = new_key(uuid4(), "export"), new_key(uuid4(), "export")
    for key in (mine, theirs):
        store.put(key, [b"x"], media_type="text/csv")
    url = store.download_url(mine, name="a.csv", media_type="text/csv", seconds=60)
    assert requests.get(url.replace(mine, theirs), timeout=10).status_code == 403


def test_a_store_that_is_away_is_said_to_be(settings: Settings) -> None:
    away = FileStore(replace(settings, s3_endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(StoreUnreachable):
        away.put("key", [b"x"], media_type="text/csv")


def test_a_file_whose_time_is_over_is_removed_and_said_to_be_gone(acme: House, store: FileStore) -> None:
    with acme.ctx() as ctx:
        file = service.register(ctx, class_="report", name="a.csv", media_type="text/csv")
        store.put(file.key, [b"x"], media_type="text/csv")
        service.finish(ctx, file_id=file.id, size=1, sha256="", keep=timedelta(seconds=-1))
        kept = service.register(ctx, class_="report", name="b.csv", media_type="text/csv")
        service.finish(ctx, file_id=kept.id, size=1, sha256="")
    assert sweep_tenant(acme.world.worker_runtime, acme.tenant.id, now=utcnow()) == 1
    with pytest.raises(ObjectMissing):
        next(store.read(file.key))
    with acme.ctx() as ctx:
        assert service.get_file(ctx, kept.id, class_="report").state == "ready"
        with pytest.raises(FileGone):
            service.get_file(ctx, file.id, class_="report")


def test_files_of_others_and_of_another_class_are_not_found(acme: House, globex: House) -> None:
    with acme.ctx() as ctx:
        file = service.register(ctx, class_="import", name="a.csv", media_type="text/csv")
        service.finish(ctx, file_id=file.id, size=1, sha256="")
        with pytest.raises(NotFound):
            service.get_file(ctx, file.id, class_="export")
    with globex.ctx() as ctx, pytest.raises(NotFound):
        service.get_file(ctx, file.id, class_="import")
