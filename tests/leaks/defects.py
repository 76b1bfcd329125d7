"""The defects: what is changed where, and which suites must notice."""

# ruff: noqa: E501 - the texts stand as they do in the files they are looked for in

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """A change of one file that opens a hole. `suites` are pytest arguments; each is a layer that must notice."""

    name: str
    file: str
    old: str
    new: str
    suites: tuple[tuple[str, ...], ...]


WALLS = ("tests/tenants/test_walls.py",)
BINDING = ("tests/tenants/test_binding.py",)
DATABASE = ("tests/isolation/test_database.py",)
CREDENTIALS = ("tests/isolation/test_credentials.py",)
SQL = ("tests/isolation/test_sql.py",)
LIMITS = ("tests/tenants/test_limits.py",)
EDGE = ("tests/tenants/test_edge.py",)

DEFECTS = [
    Defect(
        "row security is not enabled",
        "tenants/walls.py",
        '        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",\n        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",\n        f"CREATE POLICY tenant_rows ON {table} USING',
        '        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",\n        f"CREATE POLICY tenant_rows ON {table} USING',
        (WALLS, DATABASE),
    ),
    Defect(
        "row security is not forced",
        "tenants/walls.py",
        '        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",\n        f"CREATE POLICY tenant_rows ON {table} USING',
        '        f"CREATE POLICY tenant_rows ON {table} USING',
        (WALLS,),
    ),
    Defect(
        "the policies are true for every row",
        "tenants/walls.py",
        "    condition = tenant_condition()\n    return [\n",
        '    condition = "true"\n    return [\n',
        (WALLS, DATABASE),
    ),
    Defect(
        "the restrictive policy is missing",
        "tenants/walls.py",
        '        f"CREATE POLICY tenant_wall ON {table} AS RESTRICTIVE USING ({condition})",\n        f"GRANT',
        '        f"GRANT',
        (WALLS,),
    ),
    Defect(
        "an unset tenant is compared as text and not turned into NULL",
        "tenants/walls.py",
        "_SUBSELECT = \"tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)\"",
        "_SUBSELECT = \"tenant_id = (SELECT current_setting('app.tenant_id', true)::uuid)\"",
        (WALLS,),
    ),
    Defect(
        "SET in place of SET LOCAL",
        "tenants/binding.py",
        "f\"SET LOCAL app.tenant_id = '{self.tenant_id}'\"",
        "f\"SET app.tenant_id = '{self.tenant_id}'\"",
        (BINDING,),
    ),
    Defect(
        "the path falls through to the pool",
        "tenants/binding.py",
        'path = f\'"{self.schema}", pg_temp\' if self.schema else "pg_temp"',
        'path = f\'"{self.schema}", pool_01, pg_temp\' if self.schema else "pg_temp"',
        (BINDING,),
    ),
    Defect(
        "the schema's name is not checked",
        "tenants/binding.py",
        "if self.schema is not None and not SCHEMA_NAME.fullmatch(self.schema):",
        "if self.schema is None and False:",
        (BINDING,),
    ),
    Defect(
        "a transaction without a tenant is let through",
        "tenants/databases.py",
        '        raise Unbound("a transaction was opened without a tenant")',
        "        return",
        (BINDING,),
    ),
    Defect(
        "every tenant's role may enter every schema",
        "tenants/schemas.py",
        'f\'GRANT USAGE ON SCHEMA "{name}" TO "{name}"\',',
        "f'GRANT USAGE ON SCHEMA \"{name}\" TO PUBLIC',",
        (WALLS,),
    ),
    Defect(
        "the tenant's predicate is not added to statements",
        "tenants/sessions.py",
        "    if isinstance(session, TenantSession):\n        state.statement",
        "    if not isinstance(session, TenantSession):\n        state.statement",
        (SQL,),
    ),
    Defect(
        "host and credential need not agree",
        "tenants/edge.py",
        "        if claim is not None and claim.tenant_id not in (None, tenant.id):",
        "        if claim is not None and claim.tenant_id is None:",
        (CREDENTIALS,),
    ),
    Defect(
        "one rate for all tenants of a tier",
        "tenants/rate.py",
        "bucket = self._buckets.get(tenant.id)",
        "bucket = next(iter(self._buckets.values()), None)",
        (LIMITS,),
    ),
    Defect(
        "a quota is looked at before it is taken",
        "tenants/quotas.py",
        "    fits = Usage.used + count <= limit if limit != UNLIMITED else true()",
        "    if limit != UNLIMITED and _used(ctx, metric) + count > limit:\n"
        "        raise exceeded(ctx, metric, used=_used(ctx, metric), wanted=count)\n"
        "    fits = true()",
        (LIMITS,),
    ),
    Defect(
        "an idempotency key is shared by all people of a tenant",
        "app/kit/idempotency.py",
        "parts = (self.principal, self.route, self.key)",
        "parts = (self.route, self.key)",
        (("tests/jobs", "-k", "idempotency"),),
    ),
    Defect(
        "a cursor is good for every tenant",
        "app/kit/paging.py",
        "message = self.tenant_id.bytes + ",
        "message = ",
        (("tests/store", "tests/kit", "-k", "cursor"),),
    ),
    Defect(
        "answers may be kept by caches",
        "app/web/headers.py",
        '    ("Cache-Control", "private, no-store"),',
        '    ("Cache-Control", "public, max-age=60"),',
        (EDGE,),
    ),
    Defect(
        "a failure tells the driver's words",
        "app/failures.py",
        'return answer(Unexpected("The request id leads us to the cause; nothing of this request was saved."))',
        "return answer(Unexpected(str(error)))",
        (EDGE,),
    ),
    Defect(
        "a late worker may commit",
        "app/kit/jobs/ledger.py",
        "        Job.fence == held.fence,\n",
        "",
        (("tests/jobs/test_ledger.py",), ("tests/jobs/test_runner.py",)),
    ),
]
