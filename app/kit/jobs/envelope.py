"""What travels through Redis when a job's bell rings: which job, for which tenant, and a signature.

Redis is shared and holds no secret; who can write to it must still not be able to make a worker act.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.kit.ids import parse_id

_PURPOSE = b"terrace/job-envelope/v1"


class ForgedEnvelope(Exception):
    """The envelope was not written by this installation; nothing of it may be believed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The name of one job of one tenant."""

    tenant_id: UUID
    job_id: UUID


class Sealer:
    """Signs and checks envelopes with a key of its own, derived from the installation's secret."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), _PURPOSE, hashlib.sha256)

    def seal(self, envelope: Envelope) -> dict[str, str]:
        """Return `envelope` as plain JSON values with its signature."""
        tenant, job = str(envelope.tenant_id), str(envelope.job_id)
        return {"tenant": tenant, "job": job, "seal": self._mac(tenant, job)}

    def open(self, sealed: Mapping[str, object]) -> Envelope:
        """Return the envelope inside `sealed`.

        Raises ForgedEnvelope when a part is missing or the signature is not ours.
        """
        tenant, job, seal = (sealed.get(name) for name in ("tenant", "job", "seal"))
        if not (isinstance(tenant, str) and isinstance(job, str) and isinstance(seal, str)):
            raise ForgedEnvelope("a part is missing")
        if not hmac.compare_digest(seal.encode(), self._mac(tenant, job).encode()):
            raise ForgedEnvelope("the signature is wrong")
        tenant_id, job_id = parse_id(tenant), parse_id(job)
        if tenant_id is None or job_id is None:
            raise ForgedEnvelope("an id is malformed")
        return Envelope(tenant_id, job_id)

    def _mac(self, tenant: str, job: str) -> str:
        return hmac.digest(self._key, f"{tenant}/{job}".encode(), hashlib.sha256).hex()
