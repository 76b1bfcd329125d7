"""A file that is stored while it is written, on the real server."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.exports.upload import Upload
from app.files.gateway import FileStore, ObjectMissing, file_store
from app.files.keys import new_key
from app.files.models import FileObject
from config.settings import Settings

BLOCK = os.urandom(1 << 20)


@pytest.fixture
def store(settings: Settings) -> FileStore:
    """Return the store of this test run."""
    made = file_store(settings)
    made.ensure_bucket()
    return made


@pytest.fixture
def file() -> FileObject:
    """Return what says where to."""
    return FileObject(
        class_="export",
        key=new_key(uuid4(), "export"),
        name="x",
        media_type="text/csv",
        encoding="",
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )


@pytest.mark.parametrize("megabytes", [0, 3, 19])
def test_what_was_written_meanwhile_is_stored_whole(
    store: FileStore, file: FileObject, tmp_path: Path, megabytes: int
) -> None:
    path = tmp_path / "growing"
    with Upload(store, file, path) as upload, path.open("wb") as growing:
        for _ in range(megabytes):
            growing.write(BLOCK)
        growing.close()
        stored = upload.finish()
    assert stored.size == megabytes << 20
    assert b"".join(store.read(file.key)) == BLOCK * megabytes


@pytest.mark.parametrize("megabytes", [0, 3, 19])
def test_what_was_given_up_is_not_stored(store: FileStore, file: FileObject, tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "growing"
    path.write_bytes(BLOCK * megabytes)
    with pytest.raises(ZeroDivisionError), Upload(store, file, path):
        raise ZeroDivisionError
    with pytest.raises(ObjectMissing):
        list(store.read(file.key))


def test_what_was_never_begun_ends(store: FileStore, file: FileObject, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Upload(store, file, tmp_path / "missing"):
        raise ZeroDivisionError
    with pytest.raises(ObjectMissing):
        list(store.read(file.key))
