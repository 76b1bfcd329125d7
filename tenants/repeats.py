"""A retry that names the same idempotency key gets the answer that the first request got."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from flask import Request, Response, request

from app.kit import idempotency
from tenants.access import Access
from tenants.context import Ctx

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def once(ctx: Ctx, access: Access, answer: Callable[[], Response]) -> Response:
    """Answer the request of `ctx`, or repeat what was answered under its key before.

    Raises KeyMalformed, KeyReused, InProgress.
    """
    key = _key(request) if access.idempotent and request.method in UNSAFE else None
    if key is None:
        return answer()
    slot = idempotency.Slot(
        tenant_id=ctx.tenant.id,
        principal=str(ctx.actor.id or "anonymous"),
        route=f"{request.method} {request.path}",
        key=key,
        fingerprint=_fingerprint(request),
    )
    stored = idempotency.begin(ctx.db, slot, now=ctx.now)
    if stored is not None:
        return Response(stored.body, stored.status, headers={**stored.headers, "Idempotency-Replayed": "true"})
    response = answer()
    idempotency.finish(ctx.db, slot, response.status_code, dict(response.headers), response.get_data())
    return response


def _key(req: Request) -> str | None:
    """Return the key of an API header or of a form's hidden field."""
    return req.headers.get("Idempotency-Key") or req.form.get("idempotency_key") or None


def _fingerprint(req: Request) -> str:
    """Hash what the client asked for, so that one key cannot stand for two different requests."""
    digest = hashlib.sha256(req.content_type.split(";")[0].encode() if req.content_type else b"")
    if req.form or req.files:
        for name, value in sorted(req.form.items(multi=True)):
            if name != "csrf_token":
                digest.update(repr((name, value)).encode())
        for name, file in sorted(req.files.items(multi=True), key=lambda item: item[0]):
            digest.update(repr((name, file.filename)).encode())
            while chunk := file.stream.read(1 << 16):
                digest.update(chunk)
            file.stream.seek(0)
    else:
        digest.update(req.get_data(cache=True))
    return digest.hexdigest()
