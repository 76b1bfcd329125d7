"""What both doors do with an upload: look at its beginning, store it, and answer a repeated request the same way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from werkzeug.datastructures import FileStorage, MultiDict

from app.files.doors import on_disk, store_upload
from app.files.kinds import CSV, WORKBOOK
from app.imports import queries, service
from app.imports.models import ImportRun
from app.imports.service import Incoming
from app.imports.sniffing import SAMPLE, refuse_other_kinds
from app.imports.tables import Look, looks
from app.imports.xlsx.workbook import is_workbook
from app.kit.errors import BadRequest, FieldError, Invalid
from tenants.context import Ctx

MAX_FILE = 50 * 1024 * 1024
# The form's own fields and the boundaries between them.
MAX_BODY = MAX_FILE + 64 * 1024
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def request_key(ctx: Ctx, key: str | None) -> str | None:
    """Return the name under which a request with this idempotency key is remembered.

    Raises BadRequest for a key that cannot be one.
    """
    if not key:
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest("Send an Idempotency-Key of 1 to 255 printable characters.", code="idempotency.malformed")
    return hashlib.sha256(f"{ctx.actor.id}/{key}".encode()).hexdigest()


def receive(
    ctx: Ctx,
    upload: FileStorage | None,
    form: MultiDict[str, str],
    *,
    resource: str,
    key: str | None,
    sheet: str = "",
    check: Callable[[list[str]], Any] = lambda header: None,
) -> tuple[ImportRun, bool]:
    """Store an upload and return the draft of its import, and whether this request came for the first time.

    Of a workbook `sheet` is taken, or the one that fits best. `check` may refuse the header before anything is stored.
    Raises Invalid, FileUnreadable, KeyReused, StoreDown.
    """
    if upload is None or not upload.filename:
        raise _wrong("Choose a file.")
    if not upload.filename.lower().endswith(SUFFIXES):
        raise _wrong(f"Choose a file that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    with on_disk(upload) as path:
        digest = _digest(path, form)
        known = service.replay(ctx, request_key=key, request_digest=digest) if key else None
        if known is not None:
            return known, False
        seen = _look(path)
        check(service.pick(resource, seen, sheet).header)
        kind = WORKBOOK if is_workbook(path) else CSV
        file = store_upload(
            ctx,
            path,
            class_="import",
            name=upload.filename,
            media_type=kind.media_type,
            fallback=f"import.{kind.suffix}",
        )
    incoming = Incoming.of(file.id, file.name, seen)
    run = service.draft(ctx, resource=resource, incoming=incoming, sheet=sheet, request_key=key, request_digest=digest)
    return run, True


def stored(ctx: Ctx, file_id: UUID, *, resource: str, sheet: str = "") -> ImportRun:
    """Return a draft of an import of a file that an earlier import brought.

    Raises Invalid for an id that this workspace has not.
    """
    earlier = queries.find_by_file(ctx, file_id=file_id)
    if earlier is None:
        raise Invalid(errors=[FieldError("#/file_id", "There is no such file. Send it again.")])
    incoming = Incoming.of(earlier.file_id, earlier.file_name, service.looks_of(earlier))
    return service.draft(ctx, resource=resource, incoming=incoming, sheet=sheet)


def _look(path: Path) -> Sequence[Look]:
    with path.open("rb") as file:
        refuse_other_kinds(file.read(SAMPLE))
    return looks(path)


def _digest(path: Path, form: Mapping[str, str]) -> str:
    """Hash what was sent: the file and every field but those that differ in each request."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    for name in sorted(set(form) - {"csrf_token", "idempotency_key"}):
        digest.update(repr((name, form[name])).encode())
    return digest.hexdigest()


def _wrong(told: str) -> Invalid:
    return Invalid(errors=[FieldError("#/file", told)])
