"""Known ways of breaking isolation, each as a change of a few characters, and the suites that must notice it.

The numbers are those of the catalogue of seeded defects (security requirements, 9.6).
"""

# ruff: noqa: E501 (a patch is read best in the lines of the file that it changes)

from __future__ import annotations

from dataclasses import dataclass

WALLS = "tests/tenants/test_walls.py"
BINDING = "tests/tenants/test_binding.py"
HISTORY = "tests/tenants/test_history.py"
DATABASE = "tests/isolation/test_database.py"
RANDOM = "tests/isolation/test_random_statements.py"
PRIVILEGES = "tests/isolation/test_privileges.py"
ROUTES = "tests/isolation/test_routes.py"
CREDENTIALS = "tests/isolation/test_credentials.py"
JOBS = "tests/isolation/test_jobs.py"
SQL = "tests/isolation/test_sql.py"
PAGING = "tests/kit/test_paging.py"
TOKENS = "tests/accounts/test_tokens.py"
EDGE = "tests/tenants/test_edge.py"
NAMES = "tests/files/test_names.py"
WORKSPACE = "tests/workspace/test_workspace.py"
SWEEP = "tests/isolation/test_sweep.py"
LIMITS = "tests/tenants/test_limits.py"
PREDICATES = "tests/isolation/test_predicates.py"
DOORS = "tests/isolation/test_doors.py"
NAMED = "tests/isolation/test_kept_names.py"
WORKERS = "tests/isolation/test_workers.py"
PROGRAMS = "tests/isolation/test_noninterference.py"
SOAK = "tests/soak/test_soak.py"
GUARDS = "tests/tenants/test_guards.py"
RUNNER = "tests/jobs/engine/test_runner.py"
BELL = "tests/jobs/engine/test_bell.py"
HEADERS = "tests/web/test_headers.py"
EXPORTS = "tests/exports/test_exports.py"
RESOLVER = "tests/tenants/test_resolver.py"
PEOPLE = "tests/accounts/test_people.py"
IDEMPOTENCY = "tests/jobs/engine/test_idempotency.py"


@dataclass(frozen=True, slots=True)
class Patch:
    """In `file`, replace `old`, which is there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect; `layers` is how many suites must catch it, and `at_setup` that already building the world may fail."""

    number: int
    name: str
    patches: tuple[Patch, ...]
    suites: tuple[str, ...]
    layers: int = 1
    at_setup: bool = False


_FORCE = '        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",\n'
_OPEN = 'f"CREATE POLICY tenant_rows ON {table} USING ({condition})",'
_WALL = 'f"CREATE POLICY tenant_wall ON {table} AS RESTRICTIVE USING ({condition})",'
_LAST = (
    "    for table in TABLES:\n        for statement in wall_statements(table):\n            op.execute(statement)\n"
)
_STORE = "migrations/tenant/versions/0003_store.py"

DEFECTS = (
    Defect(
        1, "an export query forgets the tenant",
        (Patch("app/exports/queries.py", "o.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s", "o.id = l.order_id"),),
        (SQL, PREDICATES), layers=2,
    ),
    Defect(
        2, "a table without row security",
        (Patch("tenants/walls.py", '    return [\n        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",',
               '    if table == "product":\n        return [f"GRANT {grants} ON {table} TO {ROLE_MARK}"]\n'
               '    return [\n        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",'),),
        (WALLS, DATABASE, RANDOM), layers=2,
    ),
    Defect(3, "row security is not forced", (Patch("tenants/walls.py", _FORCE, ""),), (WALLS, DATABASE), layers=2),
    Defect(
        4, "policies check what is read and not what is written",
        (Patch("tenants/walls.py", _OPEN, _OPEN.replace(')",', ') WITH CHECK (true)",')),
         Patch("tenants/walls.py", _WALL, _WALL.replace(')",', ') WITH CHECK (true)",'))),
        (WALLS, DATABASE, RANDOM), layers=2,
    ),
    Defect(
        5, "a policy that is always true",
        (Patch("tenants/walls.py", _OPEN, _OPEN.replace("{condition}", "true")),
         Patch("tenants/walls.py", _WALL, _WALL.replace("{condition}", "true"))),
        (WALLS, DATABASE, RANDOM), layers=3, at_setup=True,
    ),
    Defect(
        6, "a view that runs with its owner's rights",
        (Patch(_STORE, _LAST, _LAST + '    op.execute("CREATE VIEW product_name AS SELECT tenant_id, name FROM product")\n'
               '    op.execute("GRANT SELECT ON product_name TO terrace_schema_role")\n'),),
        (WALLS, PRIVILEGES), layers=2,
    ),
    Defect(
        7, "a function that runs with its owner's rights",
        (Patch(_STORE, _LAST, _LAST + '    op.execute("CREATE FUNCTION product_count() RETURNS bigint SECURITY DEFINER"\n'
               '               " LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM product; END")\n'),),
        (WALLS, PRIVILEGES), layers=2,
    ),
    Defect(
        8, "a reference without the tenant",
        (Patch(_STORE, 'sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_product"),',
               'sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_product"), sa.UniqueConstraint("id", name="uq_p"),'),
         Patch(_STORE, '["tenant_id", "product_id"], ["product.tenant_id", "product.id"]',
               '["product_id"], ["product.id"]')),
        (WALLS, HISTORY, DATABASE), layers=3,
    ),
    Defect(
        9, "a unique value without the tenant",
        (Patch(_STORE, '        "product",\n        ["tenant_id", "sku_norm"],\n        unique=True,',
               '        "product",\n        ["sku_norm"],\n        unique=True,'),),
        (WALLS, HISTORY, DATABASE), layers=3,
    ),
    Defect(
        10, "the tenant is set for the session instead of the transaction",
        (Patch("tenants/binding.py", "SET LOCAL app.tenant_id", "SET app.tenant_id"),),
        (BINDING, DATABASE), layers=2,
    ),
    Defect(
        12, "a connection is bound at its first transaction only",
        (Patch("tenants/databases.py", "        _send(driver, binding.sql)\n",
               "        info = connection.connection.info\n"
               "        _send(driver, b'BEGIN' if info.get('bound') else binding.sql)\n"
               "        info['bound'] = True\n"),),
        (BINDING, DOORS, SOAK), layers=2, at_setup=True,
    ),
    Defect(
        13, "a schema name goes into the path unchecked",
        (Patch("tenants/binding.py", "if self.schema is not None and not SCHEMA_NAME.fullmatch(self.schema):",
               "if self.schema is not None and not SCHEMA_NAME.match(self.schema):"),),
        (BINDING, DOORS), layers=2,
    ),
    Defect(
        14, "a missing schema falls through to another",
        (Patch("tenants/binding.py", """f'"{self.schema}", pg_temp'""", """f'"{self.schema}", pool_01, pg_temp'"""),),
        (DATABASE, BINDING), layers=2,
    ),
    Defect(
        15, "keys in Redis do not hold the tenant",
        (Patch("app/kit/keys.py", 'f"{{{tenant_id}}}"', '"{shared}"'),),
        (SWEEP, NAMED), layers=2,
    ),
    Defect(
        17, "the bell's seal does not cover the tenant",
        (Patch("app/kit/jobs/envelope.py", 'f"{tenant}/{job}".encode()', 'job.encode()'),),
        (JOBS, NAMED, BELL), layers=2,
    ),
    Defect(
        22, "objects are stored under a key without the tenant",
        (Patch("app/files/keys.py", 'f"tenant/{tenant_id}/{class_}/', 'f"files/{class_}/'),),
        (NAMED, NAMES, SWEEP), layers=2,
    ),
    Defect(
        26, "a token is believed without its signature",
        (Patch("app/accounts/tokens.py", "    except (JoseError, ValueError):\n        raise _invalid() from None\n    if decoded",
               "    except (JoseError, ValueError):\n        decoded = type('Claims', (), {'claims': claims})\n    if decoded"),),
        (TOKENS, CREDENTIALS), layers=2,
    ),
    Defect(
        27, "another tenant's id is forbidden where an unknown one is not found",
        (Patch("app/workspace/api.py", "    if tenant_id != ctx.tenant.id:\n        raise NotFound",
               "    if tenant_id != ctx.tenant.id:\n        ctx.runtime.resolver.by_id(tenant_id)\n        raise Forbidden"),
         Patch("app/workspace/api.py", "from app.kit.errors import NotFound", "from app.kit.errors import Forbidden, NotFound")),
        (WORKSPACE, ROUTES), layers=2,
    ),
    Defect(
        29, "a shared cache may keep an answer",
        (Patch("app/store/answers.py", "    if version is not None:\n        response.headers[\"ETag\"]",
               "    response.headers[\"Cache-Control\"] = \"public, max-age=60\"\n    if version is not None:\n"
               "        response.headers[\"ETag\"]"),),
        (ROUTES, HEADERS), layers=2,
    ),
    Defect(
        33, "a cursor is not bound to its tenant",
        (Patch("app/kit/paging.py", "message = self.tenant_id.bytes + ", "message = "),),
        (PAGING, NAMED, CREDENTIALS), layers=2,
    ),
    Defect(
        34, "all tenants of a tier share one rate",
        (Patch("tenants/rate.py", "bucket = self._buckets.get(tenant.id)", "bucket = self._buckets.get(_shared(tenant))"),
         Patch("tenants/rate.py", "bucket = self._buckets[tenant.id] = ", "bucket = self._buckets[_shared(tenant)] = "),
         Patch("tenants/rate.py", "class RateLimiter:",
               "def _shared(tenant: Tenant) -> UUID:\n    return UUID(int=tenant.tier.rate)\n\n\nclass RateLimiter:")),
        (LIMITS, SWEEP), layers=2,
    ),
    Defect(
        36, "a header chooses the host",
        (Patch("app/hosts.py", 'normal_host(environ.get("HTTP_HOST"))',
               'normal_host(environ.get("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST"))'),),
        (EDGE, CREDENTIALS),
    ),
    Defect(
        37, "a worker serves a suspended tenant",
        (Patch("tenants/runner.py", 'if tenant.status != "active":', 'if tenant.status == "deleted":'),),
        (JOBS, RUNNER), layers=2,
    ),
)  # fmt: skip
