"""A database of its own with a few schemas, tenants and rows, for migrations that must not reach other tests."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.kit.ids import new_id
from tenants.bootstrap import LOGINS, bootstrap
from tenants.history import TENANT_HISTORY, History
from tenants.migrate import migrate_all
from tenants.migration.options import Options, Report, Watch
from tenants.schemas import create_schema, migrator
from tests.conftest import PASSWORD, clone_database, login_urls

_PRODUCT = """
    INSERT INTO "{schema}".product (tenant_id, id, type, name, name_norm, sku, sku_norm, description, category,
        price_minor, currency, status, created_at, updated_at, row_version)
    SELECT %s, u, 'ebook', 'A book', 'a book', u::text, u::text, '', '', 100, 'EUR', 'draft', now(), now(), 1
    FROM unnest(%s::uuid[]) u
"""
_PLACEMENT = """
    INSERT INTO control.placement (tenant_id, isolation, database, schema_name, role_name, placed_at)
    VALUES (%s, %s, %s, %s, %s, now())
"""
_TENANT = """
    INSERT INTO control.tenant (id, slug, company_name, admin_email, brand_colour, tier, region, status, status_reason,
        version, created_at, updated_at)
    VALUES (%s, %s, 'Co', 'a@co.example', '#000000', 'basic', 'local', 'active', '', 1, now(), now())
"""


@dataclass
class Fleet:
    """The schemas of one database."""

    superuser: psycopg.Connection[Any]
    superuser_url: str
    admin_url: str
    schemas: list[str] = field(default_factory=list)

    def add(self, count: int, *, history: History = TENANT_HISTORY) -> list[str]:
        """Make dedicated schemas."""
        made = [f"t_{new_id().hex}" for _ in range(count)]
        with migrator(self.admin_url) as connection:
            for name in made:
                create_schema(connection, name, history=history)
        self.schemas += made
        return made

    def tenant(
        self, schema: str, products: int, *, database: str = "main", on: psycopg.Connection[Any] | None = None
    ) -> uuid.UUID:
        """Place a tenant with products in a schema of this database, or of another that `on` leads to."""
        tenant_id = new_id()
        kind = "pooled" if schema.startswith("pool_") else "dedicated"
        self.superuser.execute(_TENANT, (tenant_id, f"co-{tenant_id.hex}"))
        self.superuser.execute(_PLACEMENT, (tenant_id, kind, database, schema, schema))
        ids = [new_id() for _ in range(products)]
        (on or self.superuser).execute(_PRODUCT.format(schema=schema).encode(), (tenant_id, ids))
        return tenant_id

    def migrate(self, history: History, *, options: Options | None = None, watch: Watch | None = None) -> Report:
        """Run the fan-out."""
        return migrate_all(self.admin_url, pools=2, history=history, options=options, watch=watch)

    def revisions(self) -> dict[str, str]:
        """Return the revision of each schema."""
        return dict(self.rows("SELECT schema_name, revision FROM control.schema_version"))

    def touches(self, schema: str) -> dict[int, int]:
        """Return how many products were touched how often."""
        return dict(self.rows(f'SELECT touched, count(*) FROM "{schema}".product GROUP BY 1'))

    def has_index(self, schema: str, name: str) -> bool:
        """Say whether a valid index is there."""
        found = self.rows(
            "SELECT indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
            f"WHERE c.relname = '{name}' AND c.relnamespace = '\"{schema}\"'::regnamespace"
        )
        return found == [(True,)]

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query of the superuser."""
        return self.superuser.execute(query.encode()).fetchall()


@contextlib.contextmanager
def new_fleet(schemas: int = 4) -> Iterator[Fleet]:
    """Give a fresh database with two pools and a few dedicated schemas; it is dropped with their roles afterwards."""
    name = f"terrace_fleet_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = clone_database(name)
    with psycopg.connect(url, autocommit=True) as superuser:
        made = Fleet(superuser, url, login_urls(os.environ["DATABASE_SUPERUSER_URL"], name)["DATABASE_ADMIN_URL"])
        made.add(schemas)
        yield made
        for schema in set(made.schemas) | set(made.revisions()) - {"pool_01", "pool_02"}:
            superuser.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE; DROP ROLE IF EXISTS "{schema}"'.encode())
    with psycopg.connect(os.environ["DATABASE_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {urlsplit(url).path.lstrip('/')} WITH (FORCE)".encode())


@contextlib.contextmanager
def new_database(near: str) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """Give an empty database on the server of `near`: the migrator's address, and a connection of the superuser."""
    name = f"terrace_far_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = urlunsplit(urlsplit(near)._replace(path=f"/{name}"))
    with psycopg.connect(near, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            bootstrap(url, dict.fromkeys(LOGINS, PASSWORD))
            with psycopg.connect(url, autocommit=True) as superuser:
                yield login_urls(near, name)["DATABASE_ADMIN_URL"], superuser
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
