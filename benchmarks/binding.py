"""What it costs to bind a transaction to its tenant: the same read of one row, without and with the five walls."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, select, text
from sqlalchemy.orm import Session

from app.kit.ids import new_id
from app.store.products import transfer
from app.store.products.models import Product
from benchmarks.figures import Figure
from benchmarks.rounds import Turns, compare, cpu_with, on_one_core
from benchmarks.site import Site
from tenants.databases import sqlalchemy_url
from tenants.runtime import Runtime
from tenants.tenant import Tenant

_COLUMNS = ("id", "name", "sku", "price_minor", "currency", "inventory")
BOUND = 1.2


def run(site: Site) -> list[Figure]:
    """Measure a bound transaction of a pooled and of a dedicated tenant."""
    figures = []
    for tier, shape in (("premium", "pooled"), ("enterprise", "dedicated")):
        tenant, _ = site.tenant(tier)
        turns = _measure(site, tenant)
        figures.append(
            Figure(f"transaction binding, {shape}", turns.measured * 1e6, "µs", turns.floor * 1e6, turns.ratio, BOUND)
        )
    return figures


def _measure(site: Site, tenant: Tenant) -> Turns:
    product = _one_product(site.runtime, tenant)
    bare = _bare_engine(site.reader_url)
    session = site.runtime.tenant_session(tenant)
    backends = [_backend(session), _backend(Session(bare))]
    table = cast(Table, Product.__table__)
    qualified = table.to_metadata(MetaData(), schema=tenant.schema)

    def read_bare() -> None:
        with Session(bare, expire_on_commit=False) as plain:
            _read(plain, qualified, tenant, product)

    def read_bound() -> None:
        with site.runtime.tenant_session(tenant) as bound:
            _read(bound, table, tenant, product)

    try:
        with on_one_core(backends):
            return compare(read_bare, read_bound, clock=cpu_with(backends), count=300, rounds=15)
    finally:
        bare.dispose()


def _read(session: Session, table: Table, tenant: Tenant, product: Any) -> None:
    query = select(*(table.c[name] for name in _COLUMNS))
    row = session.execute(query.where(table.c.tenant_id == tenant.id, table.c.id == product)).one()
    assert row.id == product
    session.commit()


def _one_product(runtime: Runtime, tenant: Tenant) -> Any:
    row = {
        "sku": f"B-{new_id().hex}", "name": "The Quiet Orchard", "type": "ebook", "status": "active",
        "price_minor": 1490, "currency": "EUR", "inventory": None, "category": "Fiction", "description": "",
    }  # fmt: skip
    with runtime.tenant(tenant) as ctx:
        return next(iter(transfer.create_many(ctx, [row]).values())).id


def _bare_engine(url: str) -> Engine:
    """Return an engine like the application's own, whose transactions open with BEGIN and nothing else."""
    engine = create_engine(
        sqlalchemy_url(url),
        pool_size=1,
        max_overflow=0,
        connect_args={"autocommit": True, "prepare_threshold": None},
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        driver.execute(b"BEGIN")

    return engine


def _backend(session: Session) -> int:
    """Return the server process behind the connection that the pool gives out next."""
    with session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())
