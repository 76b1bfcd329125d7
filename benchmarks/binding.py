"""What it costs to bind a transaction to its tenant: the same read of one row, without and with the walls."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, select, text
from sqlalchemy.orm import Session

from app.kit.ids import new_id
from app.store.products import transfer
from app.store.products.models import Product
from benchmarks.figures import Figure
from benchmarks.rounds import compare, cpu_with, on_one_core
from benchmarks.site import Site
from tenants.databases import sqlalchemy_url
from tenants.runtime import Runtime
from tenants.tenant import Tenant

BOUND = 1.2
_COLUMNS = ("id", "name", "sku", "price_minor", "currency", "inventory")
_TABLE = cast(Table, Product.__table__)


def run(site: Site) -> list[Figure]:
    """Measure bound transactions against a plain BEGIN on an engine of the same configuration.

    The last figure has the lowest floor there is: psycopg's own BEGIN, on an engine without any listener.
    """
    return [
        _measure(site, "transaction binding, pooled", "premium", bound=BOUND),
        _measure(site, "transaction binding, dedicated", "enterprise", bound=BOUND),
        _measure(site, "transaction binding, beside the driver's BEGIN", "premium", by_driver=True),
    ]


def _measure(site: Site, name: str, tier: str, *, bound: float | None = None, by_driver: bool = False) -> Figure:
    tenant, _ = site.tenant(tier)
    product = _one_product(site.runtime, tenant)
    bare = _bare_engine(site.reader_url, by_driver=by_driver)
    backends = [_backend(site.runtime.tenant_session(tenant)), _backend(Session(bare))]
    qualified = _TABLE.to_metadata(MetaData(), schema=str(tenant.schema))

    def read_bare() -> None:
        with Session(bare, expire_on_commit=False) as session:
            _read(session, qualified, tenant, product)

    def read_bound() -> None:
        with site.runtime.tenant_session(tenant) as session:
            _read(session, _TABLE, tenant, product)

    try:
        with on_one_core(backends):
            turns = compare(read_bare, read_bound, clock=cpu_with(backends), count=100, rounds=15)
    finally:
        bare.dispose()
    return Figure(name, turns.measured * 1e6, "µs", turns.floor * 1e6, turns.ratio, bound)


def _read(session: Session, table: Table, tenant: Tenant, product: UUID) -> None:
    query = select(*(table.c[name] for name in _COLUMNS))
    row = session.execute(query.where(table.c.tenant_id == tenant.id, table.c.id == product)).one()
    assert row.id == product
    session.commit()


def _one_product(runtime: Runtime, tenant: Tenant) -> UUID:
    row = {
        "sku": f"B-{new_id().hex}", "name": "The Quiet Orchard", "type": "ebook", "status": "active",
        "price_minor": 1490, "currency": "EUR", "inventory": None, "category": "Fiction", "description": "",
    }  # fmt: skip
    with runtime.tenant(tenant) as ctx:
        return next(iter(transfer.create_many(ctx, [row]).values())).id


def _bare_engine(url: str, *, by_driver: bool) -> Engine:
    """Return an engine whose transactions open with BEGIN and nothing else, sent by the driver or by an event."""
    options = {"prepare_threshold": None, "autocommit": not by_driver}
    engine = create_engine(sqlalchemy_url(url), pool_size=1, max_overflow=0, connect_args=options)
    if not by_driver:
        event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    cast("psycopg.Connection[Any]", connection.connection.dbapi_connection).execute(b"BEGIN")


def _backend(session: Session) -> int:
    """Return the server process behind the connection that the pool gives out next."""
    with session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())
