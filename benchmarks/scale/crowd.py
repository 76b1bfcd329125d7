"""Fills an installation with tenants: pooled ones by copying the rows of one, dedicated ones by provisioning them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg import sql

from app.accounts.passwords import hash_password
from app.kit.db import TenantBase
from benchmarks.products import fill
from benchmarks.site import PASSWORD, Person, Site
from tenants import provisioning, registration
from tenants.tenant import Tenant

# How many products every tenant of the crowd has.
PRODUCTS = 8
_CONTROL = """
    CREATE TEMP TABLE newcomer AS
        SELECT gen_random_uuid() AS id, n, 'pool_' || lpad((n %% %(pools)s + 1)::text, 2, '0') AS pool
        FROM generate_series(%(first)s, %(last)s) n;
    INSERT INTO control.tenant (id, slug, company_name, admin_email, brand_colour, tier, region, status, status_reason,
                                version, trial_ends_at, created_at, updated_at)
        SELECT w.id, 'crowd-' || w.n, 'Crowd ' || w.n, 'owner@crowd.example', t.brand_colour, t.tier, t.region,
               t.status, '', 1, t.trial_ends_at, t.created_at, t.updated_at
        FROM newcomer w, control.tenant t WHERE t.id = %(model)s;
    INSERT INTO control.placement (tenant_id, isolation, database, schema_name, role_name, placed_at)
        SELECT w.id, 'pooled', 'main', w.pool, w.pool, now() FROM newcomer w;
"""


class Crowd:
    """Many tenants like one model."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._hash = hash_password(site.settings, PASSWORD)
        self.model, self.owner = site.tenant("basic")
        fill(site, self.model, PRODUCTS)
        # The owner of each dedicated one.
        self.landlord = Person("owner@crowd.example")
        self.pooled = 1
        self.dedicated: list[Tenant] = []

    def grow_pooled(self, count: int) -> None:
        """Bring the pooled tenants of the crowd to `count`, spread over all pools, and the statistics up to date."""
        first, self.pooled = self.pooled, count
        values: dict[str, Any] = {"pools": self._site.settings.pools, "first": first, "last": count - 1,
                                  "model": self.model.id}  # fmt: skip

        def bring_in(connection: psycopg.Connection[Any]) -> None:
            # The rows are copies of sound ones: keys into other tables are not looked up again.
            connection.execute("SET session_replication_role = replica")
            with psycopg.ClientCursor(connection) as cursor:
                cursor.execute(_CONTROL, values)
            for number in range(1, self._site.settings.pools + 1):
                self._copy_rows(connection, f"pool_{number:02d}")
            connection.execute("DROP TABLE newcomer")
            connection.execute("VACUUM ANALYZE")

        self._site.write(bring_in)

    def _copy_rows(self, connection: psycopg.Connection[Any], pool: str) -> None:
        for table in TenantBase.metadata.sorted_tables:
            others = [sql.Identifier(column.name) for column in table.columns if column.name != "tenant_id"]
            columns = sql.SQL(", ").join(others)
            source = sql.Identifier(str(self.model.schema), table.name)
            connection.execute(
                sql.SQL(
                    "INSERT INTO {} (tenant_id, {}) SELECT w.id, {} FROM newcomer w, {} t "
                    "WHERE w.pool = {} AND t.tenant_id = {}"
                ).format(
                    sql.Identifier(pool, table.name),
                    columns,
                    sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in others),
                    source,
                    sql.Literal(pool),
                    sql.Literal(self.model.id),
                )
            )

    def grow_dedicated(self, count: int) -> None:
        """Bring the dedicated tenants of the crowd to `count`, each through sign-up and provisioning."""
        runtime, worker = self._site.runtime, self._site.worker_runtime
        while len(self.dedicated) < count:
            slug = f"house-{len(self.dedicated)}"
            signup = registration.SignUp(
                company_name=slug, slug=slug, admin_email=self.landlord.email, password_hash=self._hash,
                tier="enterprise",
            )  # fmt: skip
            tenant_id = registration.register(runtime, signup)
            provisioning.provision(worker, SimpleNamespace(attempt=1), tenant_id=str(tenant_id))
            self.dedicated.append(runtime.resolver.by_id(tenant_id))

    def member(self, number: int) -> tuple[Tenant, Person]:
        """Return one of the pooled crowd with its owner."""
        return self._site.runtime.resolver.by_slug(f"crowd-{number}"), self.owner
