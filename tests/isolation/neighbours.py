"""One tenant of the street, its people, and their keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tenants.context import Actor, Ctx
from tenants.tenant import Tenant
from tests.world import World

ROLES = ("owner", "admin", "approver", "contributor", "viewer")
REQUEST = "matrix"


@dataclass
class Person:
    """One person of a tenant with a key for each door: a bearer token for programs, a cookie for the browser."""

    role: str
    id: UUID
    email: str
    token: str = ""
    cookie: str = ""
    session_id: UUID | None = None
    csrf: str = ""


@dataclass
class Neighbour:
    """One tenant of the street."""

    label: str
    world: World
    tenant: Tenant
    people: dict[str, Person] = field(default_factory=dict)
    # Slot kind → the value that names a thing which is there, and one that named a thing which is gone.
    live: dict[str, str] = field(default_factory=dict)
    # The hash of everybody's password, so that a changed one can be set back.
    password_hash: str = ""
    gone: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The tenant's own host."""
        return f"{self.tenant.slug}.localhost"

    def mark(self, name: str) -> str:
        """Return a text that belongs to this tenant and nobody else."""
        return f"canary-{self.label.lower()}-{name}-{secrets.token_hex(4)}"

    @contextmanager
    def acting(self, role: str = "owner") -> Iterator[Ctx]:
        """Open a transaction as one of the people."""
        person = self.people[role]
        actor = Actor(
            kind="user", id=person.id, name=self.mark("actor"), email=person.email, role=role,
            permissions=frozenset(self.world.runtime.permissions), email_verified=True,
        )  # fmt: skip
        with self.world.runtime.tenant(self.tenant, actor=actor, request_id=REQUEST) as ctx:
            yield ctx

    def own_values(self) -> set[str]:
        """Return every id and secret that nobody else may ever be shown."""
        people = {str(v) for p in self.people.values() for v in (p.id, p.token, p.cookie, p.session_id)}
        return {*self.live.values(), *self.gone.values(), str(self.tenant.id), *people} - {"", "None"}
