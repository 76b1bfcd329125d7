"""Fifty tenants of both kinds, each with one row that only it may see."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import Engine

from app.store.products.models import Product
from tenants.binding import Binding
from tenants.databases import Databases
from tenants.schemas import create_schema, drop_schema, migrator
from tenants.sessions import TenantSession

POOLS = ("pool_01", "pool_02")
POOLED, DEDICATED = 38, 12


@dataclass(frozen=True)
class Holder:
    """One tenant: how its transactions open, and the text that its only product bears."""

    binding: Binding
    canary: str

    @property
    def is_pooled(self) -> bool:
        """Whether it shares its schema."""
        return self.binding.schema in POOLS


@contextlib.contextmanager
def estate(superuser_url: str, admin_url: str, app_url: str) -> Iterator[Sequence[Holder]]:
    """Make the tenants, and take them away afterwards."""
    own = [f"t_{uuid.uuid4().hex}" for _ in range(DEDICATED)]
    with migrator(admin_url) as admin:
        for schema in own:
            create_schema(admin, schema)
    schemas = [*own, *(POOLS[number % len(POOLS)] for number in range(POOLED))]
    holders = [Holder(Binding(schema, schema, uuid.uuid4()), f"canary-{uuid.uuid4().hex}") for schema in schemas]
    databases = Databases({"main": app_url}, pool_size=1)
    for holder in holders:
        _stock(databases.engine(), holder)
    databases.dispose()
    try:
        yield holders
    finally:
        _clear(superuser_url, holders)
        with migrator(admin_url) as admin:
            for schema in own:
                drop_schema(admin, schema)


def _stock(engine: Engine, holder: Holder) -> None:
    with TenantSession(engine, holder.binding) as session:
        text = holder.canary
        session.add(Product(name=text, name_norm=text, sku="HL-1", sku_norm="hl-1", price_minor=1, currency="EUR"))
        session.commit()


def _clear(superuser_url: str, holders: Sequence[Holder]) -> None:
    ids = [holder.binding.tenant_id for holder in holders]
    with psycopg.connect(superuser_url, autocommit=True) as above:
        for pool in POOLS:
            above.execute(f"DELETE FROM {pool}.product WHERE tenant_id = ANY (%s)".encode(), (ids,))
