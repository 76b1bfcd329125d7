"""How a request proves who sends it. The identity module implements this; the edge only calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from flask import Request


@dataclass(frozen=True, slots=True)
class Claim:
    """A credential whose form and signature are good. It names a tenant; its holder is looked up inside that tenant."""

    kind: str
    tenant_id: UUID | None
    subject: Any = None


class Authenticator(Protocol):
    """Turns a request into an actor in two steps, so that the tenant is bound between them."""

    def claim(self, request: Request) -> Claim | None:
        """Return the credential that the request carries, checked without a database, or None when it has none.

        Raises Unauthenticated for a credential that is malformed, forged or expired.
        """

    def actor(self, ctx: Any, claim: Claim) -> Any:
        """Return the actor that `claim` names in the tenant of `ctx`.

        Raises Unauthenticated when it was revoked, Forbidden when the user may not act.
        """
