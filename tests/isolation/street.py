"""A street of tenants for the isolation matrix: A and B in one pool, C and D in schemas of their own, E suspended.

In each of them live the same people with the same things, made by the product's own services. Every text of tenant X
begins with `canary-x-`, so whoever sees one in the wrong house knows whose it is.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask

from app.accounts import invitations, links, queries
from app.accounts.passwords import hash_password
from app.exports import service as exports
from app.factory import build_runtime, create_app
from app.imports import service as imports
from app.store.products import service as products
from config.settings import Settings
from tenants import lifecycle, registration
from tenants.models import Placement, TierOverride
from tenants.rate import RateLimiter
from tenants.runtime import Runtime
from tests.isolation import things
from tests.isolation.neighbours import ROLES, Neighbour, Person
from tests.world import PASSWORD, World

LABELS = ("A", "B", "C", "D", "E")
TIERS = {"A": "premium", "B": "premium", "C": "enterprise", "D": "enterprise", "E": "premium", "F": "enterprise"}
POOL = "pool_01"


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


def tear_down(world: World) -> None:
    """Close the application's connections."""
    world.runtime.databases.dispose()
    world.runtime.redis.close()


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
                session.add(
                    TierOverride(
                        tenant_id=tenant_id,
                        kind="limit",
                        name=limit,
                        value=-1,
                        reason="The matrix makes many",
                        created_by="tests",
                    )
                )
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
        person = things.invited(home, role)
        with home.acting() as ctx:
            token = links.issue(ctx, user_id=person.id, purpose="invite")
            invitations.accept(ctx, token=token, name=home.mark(f"name-{role}"), password_hash=hashed)
        home.people[role] = person
    for person in home.people.values():
        things.give_keys(home, person)
    home.live["user_id"] = str(home.people["viewer"].id)
    home.live["invitation_id"] = str(things.invited(home, "viewer").id)
    home.gone["invitation_id"] = home.gone["user_id"] = str(things.gone_invitation(home))
    for purpose, kind in (("verify", "verify_token"), ("reset", "reset_token"), ("invite", "invite_token")):
        home.live[kind] = things.link(home, purpose)
    home.live["session_id"] = str(home.people["viewer"].session_id)
    home.live["refresh_token"] = things.refresh_token(home, "viewer")


def _things(home: Neighbour) -> None:
    # The same SKU in every house.
    home.live["product_id"] = str(things.product(home, sku="HL-1").id)
    removed = things.product(home)
    with home.acting() as ctx:
        products.remove_product(ctx, product_id=removed.id)
    home.gone["product_id"] = str(removed.id)
    for _ in range(2):
        home.live["order_id"] = str(things.order(home).id)
    things.bundle(home)
    things.product(home)


def _files(home: Neighbour) -> None:
    run = things.draft_import(home)
    home.live["import_draft_id"], home.live["file_id"] = str(run.id), str(run.file_id)
    second = things.draft_import(home)
    with home.acting() as ctx:
        started = imports.start(ctx, run_id=second.id, mapping=second.mapping, options={}, dry_run=False)
        home.live["import_id"], home.live["job_id"] = str(started.id), str(started.job_id)
    for _ in range(2):
        with home.acting() as ctx:
            made = exports.start(ctx, resource="products", format_="csv", filters={})
            home.live["export_id"] = str(made.id)


def superuser(street: Street) -> psycopg.Connection[Any]:
    """Open the view from above."""
    return psycopg.connect(street.superuser_url, autocommit=True)
