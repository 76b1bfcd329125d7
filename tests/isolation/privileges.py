"""The declared table of rights: who may do what on which kind of object. What is not here, nobody may."""

from __future__ import annotations

import re

TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
READ_WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
READ = frozenset({"SELECT"})
NOTHING: frozenset[str] = frozenset()

# Desk table → (what a tenant's role may, what the control role may).
DESK = {
    "outbox": (frozenset({"INSERT"}), frozenset({"INSERT"})),
    "job": (frozenset({"SELECT", "INSERT", "UPDATE"}), frozenset({"INSERT"})),
    "idempotency_key": (frozenset({"SELECT", "INSERT", "UPDATE"}), NOTHING),
    "usage": (frozenset({"SELECT", "INSERT", "UPDATE"}), NOTHING),
}
# Tables of a tenant that are only ever added to; rows go with what they are about.
ADDED_TO = frozenset({"stock_movement"})
# Tables of control that only the migrator writes.
MIGRATORS_OWN = frozenset({"migration_run", "migration_step", "schema_work"})
TENANT_SCHEMA = re.compile(r"pool_\d{2}|t_[0-9a-f]{32}")
# Roles that own, migrate or back up; the rest is measured.
UNMEASURED = frozenset({"terrace_owner", "terrace_migrator", "terrace_backup", "postgres"})
LOGINS_WITHOUT_RIGHTS = frozenset({"terrace_app", "terrace_worker", "terrace_reader"})


def table_rights(role: str, schema: str, table: str) -> frozenset[str]:
    """Return what `role` may on a table."""
    if schema == "desk":
        return _desk_rights(role, table)
    if schema == "control":
        return _control_rights(table) if role == "terrace_control" else NOTHING
    if TENANT_SCHEMA.fullmatch(schema):
        rights = READ_WRITE - {"UPDATE"} if table in ADDED_TO else READ_WRITE
        return rights if role == schema else NOTHING
    return NOTHING


def schema_usage(role: str, schema: str) -> bool:
    """Say whether `role` may look into `schema`."""
    if schema == "desk":
        return bool(role in ("terrace_tenant", "terrace_platform", "terrace_control") or TENANT_SCHEMA.fullmatch(role))
    if schema == "control":
        return role == "terrace_control"
    return role == schema


def _control_rights(table: str) -> frozenset[str]:
    if table == "alembic_version":
        return NOTHING
    return READ if table in MIGRATORS_OWN else READ_WRITE


def _desk_rights(role: str, table: str) -> frozenset[str]:
    tenants, control = DESK[table]
    if role == "terrace_platform":
        return READ_WRITE
    if role == "terrace_control":
        return control
    return tenants if role == "terrace_tenant" or TENANT_SCHEMA.fullmatch(role) else NOTHING
