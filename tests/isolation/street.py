"""A street of tenants for the isolation matrix: A and B in one pool, C and D in schemas of their own, E suspended.

In each of them live the same people with the same things, made by the product's own services. Every text of tenant X
begins with `canary-x-`, so whoever sees one in the wrong house knows whose it is.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask

from app.accounts import invitations, links, opaque, queries, sessions, tokens
from app.accounts.passwords import hash_password
from app.accounts.sessions import Visitor
from app.exports import service as exports
from app.factory import build_runtime, create_app
from app.files import service as files
from app.files.gateway import file_store
from app.imports import service as imports
from app.store.orders import service as orders
from app.store.orders.stock import Wish
from app.store.products import service as products
from app.workspace import service as workspace
from config.settings import Settings
from tenants import lifecycle, registration
from tenants.context import Actor, Ctx
from tenants.models import Placement, TierOverride
from tenants.rate import RateLimiter
from tenants.runtime import Runtime
from tenants.tenant import Tenant
from tests.world import PASSWORD, World

LABELS = ("A", "B", "C", "D", "E")
TIERS = {"A": "premium", "B": "premium", "C": "enterprise", "D": "enterprise", "E": "premium", "F": "enterprise"}
ROLES = ("owner", "admin", "approver", "contributor", "viewer")
POOL = "pool_01"
_FILE = b"name,sku,price,currency\n{mark}import,imp-{rand},9.50,EUR\n{mark}broken,imp-{rand},nothing,EUR\n"
_ONLY = "matrix"


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
        with self.world.runtime.tenant(self.tenant, actor=actor, request_id=_ONLY) as ctx:
            yield ctx

    def own_values(self) -> set[str]:
        """Return every id and secret that nobody else may ever be shown."""
        people = {str(v) for p in self.people.values() for v in (p.id, p.token, p.cookie, p.session_id)}
        return {*self.live.values(), *self.gone.values(), str(self.tenant.id), *people} - {"", "None"}


@dataclass
class Street:
    """All tenants, the application they live in, and the superuser's view."""

    app: Flask
    world: World
    neighbours: dict[str, Neighbour]
    superuser_url: str

    def __getitem__(self, label: str) -> Neighbour:
        return self.neighbours[label]


def fast_clock() -> float:
    """Return a time that runs a thousand times as fast, so that rates do not end the matrix."""
    return time.monotonic() * 1000


def build_street(settings: Settings, worker_runtime: Runtime, superuser_url: str) -> Street:
    """Make the application and all tenants with everything in them."""
    runtime = build_runtime(settings)
    runtime = replace(runtime, limiter=RateLimiter(runtime.redis, clock=fast_clock))
    app = create_app(runtime=runtime)
    world = World(app, runtime, worker_runtime)
    ids = {label: _register(world, label) for label in LABELS}
    world.drain()
    neighbours = {}
    for label, tenant_id in ids.items():
        runtime.resolver.forget(tenant_id)
        tenant = runtime.resolver.by_id(tenant_id)
        assert tenant.status == "active", tenant.status_reason
        neighbours[label] = Neighbour(label, world, tenant)
    assert neighbours["A"].tenant.schema == neighbours["B"].tenant.schema == POOL
    street = Street(app, world, neighbours, superuser_url)
    for neighbour in neighbours.values():
        _move_in(neighbour)
    world.drain()
    lifecycle.suspend(runtime, neighbours["E"].tenant.id, reason="The bill was not paid.")
    return street


def build_house(settings: Settings, worker_runtime: Runtime, label: str) -> tuple[Flask, Neighbour]:
    """Make an application and one dedicated tenant with everything in it."""
    runtime = build_runtime(settings)
    runtime = replace(runtime, limiter=RateLimiter(runtime.redis, clock=fast_clock))
    app = create_app(runtime=runtime)
    world = World(app, runtime, worker_runtime)
    tenant_id = _register(world, label)
    world.drain()
    runtime.resolver.forget(tenant_id)
    home = Neighbour(label, world, runtime.resolver.by_id(tenant_id))
    _move_in(home)
    world.drain()
    return app, home


def tear_down_house(home: Neighbour) -> None:
    """Close the application's connections."""
    home.world.runtime.databases.dispose()
    home.world.runtime.redis.close()


def tear_down(street: Street) -> None:
    """Close the application's connections."""
    street.world.runtime.databases.dispose()
    street.world.runtime.redis.close()


def _register(world: World, label: str) -> UUID:
    mark = f"canary-{label.lower()}-"
    tenant_id = registration.register(
        world.runtime,
        registration.SignUp(
            company_name=f"{mark}company-{secrets.token_hex(4)}",
            slug=f"{mark}{secrets.token_hex(4)}",
            admin_email=f"{mark}owner-{secrets.token_hex(4)}@mail.example",
            admin_name=f"{mark}owner-{secrets.token_hex(4)}",
            password_hash=hash_password(world.runtime.settings, PASSWORD),
            tier=TIERS[label],
        ),
    )
    if TIERS[label] == "premium":
        # Side by side in one pool, whichever is the emptiest now.
        with world.runtime.control() as session:
            session.add(Placement(tenant_id=tenant_id, isolation="pooled", schema_name=POOL, role_name=POOL))
            for limit in ("users", "products", "orders"):
                session.add(TierOverride(tenant_id=tenant_id, kind="limit", name=limit, value=-1,
                                         reason="The matrix makes many", created_by="tests"))
    return tenant_id


def _move_in(home: Neighbour) -> None:
    _people(home)
    _things(home)
    _files(home)
    home.live["tenant_id"] = str(home.tenant.id)
    home.live["slug"] = home.tenant.slug


def _people(home: Neighbour) -> None:
    settings = home.world.runtime.settings
    with home.world.runtime.tenant(home.tenant) as ctx:
        owner = next(user for user in queries.list_users(ctx).items if user.role == "owner")
        owner.email_verified_at = ctx.now
        home.people["owner"] = Person("owner", owner.id, owner.email)
    hashed = home.password_hash = hash_password(settings, PASSWORD)
    for role in ROLES[1:]:
        person = invited(home, role)
        with home.acting() as ctx:
            token = links.issue(ctx, user_id=person.id, purpose="invite")
            invitations.accept(ctx, token=token, name=home.mark(f"name-{role}"), password_hash=hashed)
        home.people[role] = person
    for person in home.people.values():
        give_keys(home, person)
    home.live["user_id"] = str(home.people["viewer"].id)
    home.live["invitation_id"] = str(invited(home, "viewer").id)
    home.gone["invitation_id"] = home.gone["user_id"] = str(gone_invitation(home))
    for purpose, kind in (("verify", "verify_token"), ("reset", "reset_token"), ("invite", "invite_token")):
        home.live[kind] = link(home, purpose)
    home.live["session_id"] = str(home.people["viewer"].session_id)
    home.live["refresh_token"] = refresh_token(home, "viewer")


def known_password(home: Neighbour, person: Person) -> str:
    """Set the person's password back to the one that all have, and return it."""
    with home.acting() as ctx:
        queries.get_user(ctx, user_id=person.id).password_hash = home.password_hash
    return PASSWORD


def open_doors(home: Neighbour) -> None:
    """Let strangers open accounts of their own."""
    with home.acting() as ctx:
        workspace.settings(ctx).signup_open = True


def invited(home: Neighbour, role: str) -> Person:
    """Invite somebody and return them."""
    with home.acting() as ctx:
        email = f"{home.mark(role)}@mail.example"
        user = invitations.invite(ctx, email=email, role=role, name=home.mark("invited"))
        return Person(role, user.id, email)


def gone_invitation(home: Neighbour) -> UUID:
    """Invite somebody, take it back, and return the id that is nobody's any more."""
    person = invited(home, "viewer")
    with home.acting() as ctx:
        invitations.revoke(ctx, user_id=person.id)
    return person.id


def give_keys(home: Neighbour, person: Person) -> None:
    """Open a session of each kind for `person`, as signing in does."""
    with home.acting("owner") as ctx:
        user = queries.get_user(ctx, user_id=person.id)
        session, _ = sessions.open_api(ctx, user=user, visitor=Visitor("127.0.0.1", home.mark("agent")))
        person.token = tokens.issue(
            home.world.runtime.settings, home.tenant, user=user, session_id=session.id, now=ctx.now
        )
        web, person.cookie = sessions.open_web(ctx, user=user, visitor=Visitor("127.0.0.1", home.mark("agent")))
        person.session_id, person.csrf = web.id, ""


def refresh_token(home: Neighbour, role: str) -> str:
    """Open an API session and return its first refresh token."""
    with home.acting() as ctx:
        user = queries.get_user(ctx, user_id=home.people[role].id)
        return sessions.open_api(ctx, user=user, visitor=Visitor("127.0.0.1", home.mark("agent")))[1]


def session_of(home: Neighbour, role: str) -> str:
    """Open another browser's session of one of the people and return its id."""
    with home.acting() as ctx:
        user = queries.get_user(ctx, user_id=home.people[role].id)
        return str(sessions.open_web(ctx, user=user, visitor=Visitor("127.0.0.1", home.mark("agent")))[0].id)


def link(home: Neighbour, purpose: str) -> str:
    """Return the token of a mailed link for a person of its own."""
    person = invited(home, "viewer")
    with home.acting() as ctx:
        if purpose != "invite":
            user = queries.get_user(ctx, user_id=person.id)
            user.status, user.password_hash = "active", "unknown"
            ctx.db.flush()
        return links.issue(ctx, user_id=person.id, purpose=purpose)


def product(home: Neighbour, **changes: Any) -> Any:
    """Add a product."""
    with home.acting() as ctx:
        values = {"name": home.mark("product"), "sku": secrets.token_hex(6), "description": home.mark("description"),
                  "category": home.mark("category"), "price_minor": 1490, "currency": "EUR", "inventory": 100_000}  # fmt: skip
        return products.create_product(ctx, **values | changes)


def order(home: Neighbour) -> Any:
    """Place an order for one piece of the tenant's product."""
    with home.acting() as ctx:
        return orders.place_order(
            ctx,
            customer_email=f"{home.mark('customer')}@mail.example",
            customer_name=home.mark("customer"),
            items=[Wish(UUID(home.live["product_id"]), 1)],
            note=home.mark("note"),
            shipping_address={"street": home.mark("street"), "city": home.mark("city"), "state": "", "zip": "",
                              "country": "NL"},
        )  # fmt: skip


def workspace_version(home: Neighbour) -> int:
    """Return the version of the tenant's settings."""
    with home.acting() as ctx:
        return workspace.settings(ctx).row_version


def waiting_job(home: Neighbour) -> str:
    """Put a job into the ledger that no worker takes for a year, and return its id."""
    with home.acting() as ctx:
        run_id = home.live["import_id"]
        return str(ctx.enqueue(imports.JOB, {"run_id": run_id}, run_at=ctx.now + timedelta(days=365)))


def _things(home: Neighbour) -> None:
    # The same SKU in every house.
    home.live["product_id"] = str(product(home, sku="HL-1").id)
    removed = product(home)
    with home.acting() as ctx:
        products.remove_product(ctx, product_id=removed.id)
    home.gone["product_id"] = str(removed.id)
    for _ in range(2):
        home.live["order_id"] = str(order(home).id)
    product(home)


def running_import(home: Neighbour) -> str:
    """Start an import that no worker takes, and return its id."""
    draft = draft_import(home)
    with home.acting() as ctx:
        return str(imports.start(ctx, run_id=draft.id, mapping=draft.mapping, options={}, dry_run=False).id)


def running_export(home: Neighbour) -> str:
    """Start an export that no worker takes, and return its id."""
    with home.acting() as ctx:
        return str(exports.start(ctx, resource="products", format_="csv", filters={}).id)


def bring_in_orders(home: Neighbour) -> None:
    """Start the import of a file of orders, for the next worker."""
    row = f"{secrets.token_hex(4)},HL-1,2,3.50,EUR,{home.mark('buyer')}@mail.example,2026-11-01"
    content = f"reference,sku,quantity,unit_price,currency,customer_email,placed_at\n{row}\n".encode()
    draft = draft_import(home, content, resource="orders")
    with home.acting() as ctx:
        imports.start(ctx, run_id=draft.id, mapping=draft.mapping, options={}, dry_run=False)


def draft_import(home: Neighbour, content: bytes = b"", *, resource: str = "products") -> Any:
    """Store a file and return the draft of its import."""
    content = content or _FILE.decode().format(mark=home.mark("file-"), rand=secrets.token_hex(4)).encode()
    header, *rows = [line.split(",") for line in content.decode().splitlines()]
    with home.acting() as ctx:
        name = f"{home.mark('file')}.csv"
        file = files.register(ctx, class_="import", name=name, media_type="text/csv")
        stored = file_store(ctx.runtime.settings).put(file.key, [content], media_type="text/csv")
        files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        return imports.draft(ctx, resource=resource, incoming=imports.Incoming(file.id, name, header, rows))


def _files(home: Neighbour) -> None:
    run = draft_import(home)
    home.live["import_draft_id"], home.live["file_id"] = str(run.id), str(run.file_id)
    second = draft_import(home)
    with home.acting() as ctx:
        started = imports.start(ctx, run_id=second.id, mapping=second.mapping, options={}, dry_run=False)
        home.live["import_id"], home.live["job_id"] = str(started.id), str(started.job_id)
    for _ in range(2):
        with home.acting() as ctx:
            made = exports.start(ctx, resource="products", format_="csv", filters={})
            home.live["export_id"] = str(made.id)


def random_token(kind: str) -> str:
    """Return a token of a tenant that does not exist."""
    kinds = {"verify_token": opaque.VERIFY, "reset_token": opaque.RESET, "invite_token": opaque.INVITE,
             "refresh_token": opaque.REFRESH}  # fmt: skip
    return opaque.mint(kinds[kind], UUID(bytes=secrets.token_bytes(16), version=4))


def superuser(street: Street) -> psycopg.Connection[Any]:
    """Open the view from above."""
    return psycopg.connect(street.superuser_url, autocommit=True)
