"""Where the database is Citus: how a dedicated schema is handed to it, and what must be true of every connection.

One setting (`DATABASE_ENGINE=citus`) turns this on. Pools stay on the coordinator. Four mistakes give no rows and no
error there, so what can be asked is asked, each time.
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Engine, event

from tenants.errors import TenantIsolationError
from tenants.walls import tenant_condition

# Citus opens its connections to other nodes as the tenant's role, which therefore may log in; it has no password, and
# pg_hba lets it in from nodes only.
ROLE_OPTIONS = "LOGIN"
# The script makes local tables; Citus would otherwise distribute each as it is made, and refuse the script.
LOCAL_FIRST = "SET LOCAL citus.enable_schema_based_sharding = off"
_DISTRIBUTE = "SELECT pg_catalog.citus_schema_distribute(%s::regnamespace)"
_COUNTS = """
    SELECT (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r'),
           (SELECT count(*) FROM pg_catalog.citus_tables t JOIN pg_catalog.pg_class c ON c.oid = t.table_name
            WHERE c.relnamespace = %(schema)s::regnamespace AND t.citus_table_type = 'schema')
"""
_PROPAGATES = "SELECT current_setting('citus.propagate_set_commands', true)"


def bare(statement: str) -> str:
    """Return a statement of the tenant history with the row condition in the form that Citus takes."""
    return statement.replace(tenant_condition(), tenant_condition(distributed=True))


def distribute(connection: psycopg.Connection[Any], schema: str) -> None:
    """Hand `schema` to Citus, inside the transaction that made it.

    Raises TenantIsolationError when one of its tables was left behind.
    """
    connection.execute(_DISTRIBUTE, (f'"{schema}"',))
    made, distributed = connection.execute(_COUNTS, {"schema": f'"{schema}"'}).fetchone() or (0, -1)
    if made != distributed:
        raise TenantIsolationError(f"{distributed} of {made} tables were distributed")


def check_connections(engine: Engine) -> None:
    """Refuse every new connection on which the binding would not reach the other nodes: it would show no rows at all.

    The refusal is a TenantIsolationError.
    """
    event.listen(engine, "connect", _refuse_unless_propagating)


def _refuse_unless_propagating(driver: psycopg.Connection[Any], entry: Any) -> None:
    (value,) = driver.execute(_PROPAGATES).fetchone() or (None,)
    if value != "local":
        raise TenantIsolationError(
            "citus.propagate_set_commands is not 'local' for this login: set it by ALTER ROLE … SET"
        )
