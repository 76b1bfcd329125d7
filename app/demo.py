"""`flask tenants seed-demo`: a workspace to look around in, made by the code that makes real ones."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import click
from flask import current_app

from app.accounts.passwords import hash_password
from app.kit.clock import utcnow
from app.store.orders import placing
from app.store.orders import service as orders
from app.store.products import service as products
from app.store.products.queries import count_unarchived
from app.store.products.stock.offer import Wish
from tenants import provisioning, registration
from tenants.context import Ctx
from tenants.registration import SlugTaken
from tenants.runtime import Runtime

SLUG = "demo"
EMAIL = "demo@terrace.example"
COMPANY = "Northlight Books"

# Name, code, type, minor units, stock, category.
PRODUCTS: list[tuple[str, str, str, int, int | None, str]] = [
    ("The Quiet Orchard", "NB-2041-E", "ebook", 1490, None, "Fiction"),
    ("Safe Handling of Pressure Vessels", "NB-C-118", "course", 24000, None, "Courses"),
    ("Harbour Lights, hardcover", "NB-2038-H", "physical", 3200, 24, "Fiction"),
    ("Studio Licence, 5 devices", "NB-L-05", "licence", 39000, None, "Licences"),
    ("Field Guide to Northern Mosses", "NB-2044-H", "physical", 1950, 60, "Nature"),
    ("Letters from the Salt Road", "NB-1990-H", "physical", 2700, 4, "History"),
    ("First Aid Refresher", "NB-C-087", "course", 6000, None, "Courses"),
    ("Almanac 2027", "NB-2027-H", "physical", 990, 150, "Nature"),
]
# Days ago, buyer, lines (position in PRODUCTS, quantity), the states it went through.
ORDERS: list[tuple[int, str, list[tuple[int, int]], list[str]]] = [
    (12, "Ada Brook", [(2, 1), (1, 1), (0, 1)], ["confirmed", "shipped", "delivered"]),
    (10, "Jonas Weber", [(4, 2)], ["confirmed", "shipped", "delivered"]),
    (9, "Priya Shah", [(6, 3)], ["confirmed", "delivered"]),
    (7, "Lena Fuchs", [(5, 1), (7, 2)], ["confirmed", "shipped"]),
    (5, "Tomas Vale", [(3, 1)], ["confirmed", "delivered"]),
    (4, "Mei Lin", [(7, 5)], ["cancelled"]),
    (3, "Noor Haddad", [(0, 1), (2, 2)], ["confirmed"]),
    (2, "Ivo Marek", [(4, 1)], ["confirmed"]),
    (1, "Ruth Okoye", [(1, 2)], ["confirmed", "delivered"]),
    (0, "Sam Adler", [(2, 1)], []),
]


@click.command("seed-demo")
@click.option("--password", envvar="DEMO_PASSWORD", required=True, help="The demo owner's password.")
def seed_demo(password: str) -> None:
    """Make the demo workspace, if it is not there; never in production."""
    runtime = cast(Runtime, current_app.extensions["terrace"])
    if runtime.settings.production:
        raise click.ClickException("A demo with a known password has no place in production.")
    signup = registration.SignUp(
        company_name=COMPANY,
        slug=SLUG,
        admin_email=EMAIL,
        admin_name="Mara Lind",
        password_hash=hash_password(runtime.settings, password),
        tier="premium",
    )
    with contextlib.suppress(SlugTaken):
        registration.register(runtime, signup)
    tenant_id = runtime.resolver.by_slug(SLUG).id
    # No worker may run yet: this process takes the steps itself, and the job finds them taken.
    provisioning.provision(runtime, SimpleNamespace(attempt=1), tenant_id=str(tenant_id))
    with runtime.tenant(tenant_id) as ctx:
        if not count_unarchived(ctx):
            furnish(ctx)
    click.echo(f"{COMPANY} is open at {runtime.settings.tenant_url(SLUG)}")


def furnish(ctx: Ctx) -> None:
    """Put products and a fortnight of orders in."""
    made = [
        products.create_product(
            ctx,
            name=name,
            sku=sku,
            type=kind,
            price_minor=price,
            currency="EUR",
            inventory=stock,
            category=category,
        )
        for name, sku, kind, price, stock, category in PRODUCTS
    ]
    for days, buyer, lines, states in ORDERS:
        _order(ctx, days, buyer, [Wish(made[at].id, quantity) for at, quantity in lines], states)


def _order(ctx: Ctx, days: int, buyer: str, wishes: list[Wish], states: list[str]) -> None:
    at: Any = utcnow() - timedelta(days=days, hours=3)
    then = Ctx(ctx.tenant, ctx.actor, ctx.db, at, ctx.request_id, ctx.runtime)
    address = {"street": "Oudegracht 118", "city": "Utrecht", "state": "", "zip": "3511 AW", "country": "NL"}
    order = placing.place_order(
        then,
        customer_name=buyer,
        customer_email=f"{buyer.split(maxsplit=1)[0].lower()}@{buyer.split()[1].lower()}.example",
        items=wishes,
        shipping_address=address,
    )
    for state in states:
        orders.move_order(then, order_id=order.id, to=state)
