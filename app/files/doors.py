"""What doors need of the file store: taking an upload in, and sending a person to a download.

A view's transaction must not wait for the file store. So an upload ends the transaction that authorised it, moves the
bytes with none open, and begins the next one, which the edge commits as usual.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from flask import redirect
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.files import service
from app.files.errors import StoreDown, StoreUnreachable
from app.files.gateway import file_store
from app.files.models import FileObject
from app.files.names import safe_name
from tenants.context import Ctx

# A browser follows the redirect at once; the address is useless soon after.
CLICK_SECONDS = 60
LINK_SECONDS = 3600
_CHUNK = 1 << 18


@contextmanager
def on_disk(upload: FileStorage) -> Iterator[Path]:
    """Give the upload as a file on disk, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="terrace-upload-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            shutil.copyfileobj(upload.stream, file)
        yield path


def store_upload(ctx: Ctx, path: Path, *, class_: str, name: str, media_type: str, fallback: str) -> FileObject:
    """Store the file at `path` and return its ready row.

    Ends the transaction that is open and leaves a new one behind. Raises StoreDown.
    """
    file = service.register(ctx, class_=class_, name=safe_name(name, fallback), media_type=media_type)
    ctx.db.commit()
    try:
        with path.open("rb") as source:
            stored = file_store(ctx.runtime.settings).put(file.key, _chunks(source), media_type=media_type)
    except StoreUnreachable as error:
        raise StoreDown("Nothing was saved. Try again in a minute.", headers={"Retry-After": "30"}) from error
    service.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
    return file


def send(ctx: Ctx, file_id: UUID, *, class_: str) -> Response:
    """Send an authorised person to the download of a file.

    Raises NotFound, FileGone.
    """
    file = service.get_file(ctx, file_id, class_=class_)
    response = redirect(link(ctx, file, seconds=CLICK_SECONDS), 303)
    response.headers["Cache-Control"] = "no-store"
    return response


def link(ctx: Ctx, file: FileObject, *, seconds: int) -> str:
    """Return an address that gives the file to whoever has it, for `seconds`."""
    return file_store(ctx.runtime.settings).download_url(
        file.key, name=file.name, media_type=file.media_type, seconds=seconds
    )


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
