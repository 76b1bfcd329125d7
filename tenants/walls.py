"""The wall around every tenant table: row-level security and grants, written by this one generator.

Two policies a table. The permissive one opens a tenant's own rows; the restrictive one repeats the condition, so that a
permissive policy added by mistake cannot widen anything. Both cover reads and writes: without WITH CHECK PostgreSQL
uses USING for both. Statements are single, as a distributed engine wants them.
"""

from __future__ import annotations

# Replaced by the schema's role when a script is run; a schema itself holds nothing tenant-specific.
ROLE_MARK = "terrace_schema_role"
# After SET LOCAL the setting is '' and not unset: NULLIF turns that into "no rows", never into a cast error.
_SUBSELECT = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
_BARE = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"


def tenant_condition(*, distributed: bool = False) -> str:
    """Return the row condition; a distributed engine (Citus) takes only the form without a sub-select."""
    return _BARE if distributed else _SUBSELECT


def wall_statements(table: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> list[str]:
    """Return the statements that wall `table` in and give its schema's role `grants` on it."""
    condition = tenant_condition()
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_rows ON {table} USING ({condition})",
        f"CREATE POLICY tenant_wall ON {table} AS RESTRICTIVE USING ({condition})",
        f"GRANT {grants} ON {table} TO {ROLE_MARK}",
    ]


def desk_wall_statements(table: str, *, tenant_grants: str, control_grants: str = "") -> list[str]:
    """Return the statements for a table of `desk`: tenants see their rows, the platform role sees all."""
    condition = tenant_condition()
    statements = [
        f"ALTER TABLE desk.{table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE desk.{table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_rows ON desk.{table} TO terrace_tenant USING ({condition})",
        f"CREATE POLICY tenant_wall ON desk.{table} AS RESTRICTIVE TO terrace_tenant USING ({condition})",
        f"CREATE POLICY platform_rows ON desk.{table} TO terrace_platform USING (true)",
        f"GRANT {tenant_grants} ON desk.{table} TO terrace_tenant",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON desk.{table} TO terrace_platform",
    ]
    if control_grants:
        # Sign-up writes the tenant and its first job in one transaction of the control role.
        statements += [
            f"CREATE POLICY control_insert ON desk.{table} FOR INSERT TO terrace_control WITH CHECK (true)",
            f"GRANT {control_grants} ON desk.{table} TO terrace_control",
        ]
    return statements
