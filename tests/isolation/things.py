"""Makes one thing in one house, by the product's own services, as one of its people."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.accounts import invitations, links, opaque, queries, sessions, tokens
from app.accounts.sessions import Visitor
from app.exports import service as exports
from app.files import service as files
from app.files.gateway import file_store
from app.imports import recording
from app.imports import service as imports
from app.imports.importer import Change, Outcome
from app.imports.models import ImportRun
from app.kit.desk import Job
from app.store.orders import placing
from app.store.products import service as products
from app.store.products.stock import service as stock
from app.store.products.stock.offer import Wish
from app.workspace import service as workspace
from tests.isolation.neighbours import Neighbour, Person
from tests.world import PASSWORD

_FILE = "name,sku,price,currency\n{mark}import,imp-{rand},9.50,EUR\n{mark}broken,imp-{rand},nothing,EUR\n"


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


def random_token(kind: str) -> str:
    """Return a token of a tenant that does not exist."""
    kinds = {"verify_token": opaque.VERIFY, "reset_token": opaque.RESET, "invite_token": opaque.INVITE,
             "refresh_token": opaque.REFRESH}  # fmt: skip
    return opaque.mint(kinds[kind], UUID(bytes=secrets.token_bytes(16), version=4))


def product(home: Neighbour, **changes: Any) -> Any:
    """Add a product."""
    with home.acting() as ctx:
        values: dict[str, Any] = {
            "name": home.mark("product"),
            "sku": secrets.token_hex(6),
            "description": home.mark("description"),
            "category": home.mark("category"),
            "price_minor": 1490,
            "currency": "EUR",
            "inventory": 100_000,
        }
        return products.create_product(ctx, **values | changes)


def bundle(home: Neighbour) -> Any:
    """Add a bundle of one piece of the tenant's product."""
    made = product(home, type="bundle", inventory=None)
    with home.acting() as ctx:
        stock.set_parts(ctx, bundle_id=made.id, parts=[(UUID(home.live["product_id"]), 1)])
    return made


def order(home: Neighbour) -> Any:
    """Place an order for one piece of the tenant's product."""
    with home.acting() as ctx:
        return placing.place_order(
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


def running_import(home: Neighbour) -> str:
    """Start an import that no worker takes, and return its id."""
    draft = draft_import(home)
    with home.acting() as ctx:
        return str(imports.start(ctx, run_id=draft.id, mapping=draft.mapping, options={}, dry_run=False).id)


def finished_import(home: Neighbour) -> str:
    """Write down an import that is over and made one product, as a worker would, and return its id."""
    run_id, made = UUID(running_import(home)), product(home)
    after = {"name": made.name, "price_minor": made.price_minor, "currency": made.currency}
    change = Change(2, "product", "created", made.sku, made.id, {}, after)
    with home.acting() as ctx:
        recording.note_batch(ctx, run_id=run_id, groups=1, outcome=Outcome(imported=1, changes=[change]))
        job_id = ctx.db.get_one(ImportRun, (ctx.tenant.id, run_id)).job_id
        ctx.db.execute(update(Job).where(Job.tenant_id == ctx.tenant.id, Job.id == job_id).values(state="succeeded"))
    return str(run_id)


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
    content = content or _FILE.format(mark=home.mark("file-"), rand=secrets.token_hex(4)).encode()
    header, *rows = [line.split(",") for line in content.decode().splitlines()]
    with home.acting() as ctx:
        name = f"{home.mark('file')}.csv"
        file = files.register(ctx, class_="import", name=name, media_type="text/csv")
        stored = file_store(ctx.runtime.settings).put(file.key, [content], media_type="text/csv")
        files.finish(ctx, file_id=file.id, size=stored.size, sha256=stored.sha256)
        return imports.draft(ctx, resource=resource, incoming=imports.Incoming(file.id, name, header, rows))
