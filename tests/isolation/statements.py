"""Every way of SQL to reach a row, as templates: `{t}` the table, `{own}` and `{other}` ids of tenants."""

from __future__ import annotations

# Must show the tenant's own rows, or nothing, and never a mark of another.
READS = {
    "all": "SELECT * FROM {t}",
    "table command": "TABLE {t}",
    "count": "SELECT count(*) FROM {t}",
    "others by predicate": "SELECT * FROM {t} WHERE tenant_id = '{other}'",
    "others by inequality": "SELECT * FROM {t} WHERE tenant_id <> '{own}'",
    "others by list": "SELECT * FROM {t} WHERE tenant_id = ANY (ARRAY['{own}', '{other}']::uuid[])",
    "always true": "SELECT * FROM {t} WHERE tenant_id = '{own}' OR true",
    "exists": "SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM {t} y WHERE y.tenant_id = '{other}')) * 7777"
    " FROM {t}",
    "aggregate": "SELECT string_agg(x::text, '|'), max(x::text), array_agg(to_jsonb(x)) FROM {t} x",
    "grouping": "SELECT tenant_id::text, count(*) FROM {t} GROUP BY ROLLUP (tenant_id)",
    "window": "SELECT x.*, count(*) OVER (), first_value(x::text) OVER (ORDER BY x::text) FROM {t} x",
    "cte": "WITH x AS MATERIALIZED (SELECT * FROM {t}) SELECT * FROM x",
    "recursive cte": "WITH RECURSIVE x AS (SELECT 1 n UNION ALL SELECT n + 1 FROM x WHERE n < 3)"
    " SELECT y.* FROM x, {t} y",
    "lateral": "SELECT y.* FROM (VALUES ('{other}'::uuid), ('{own}'::uuid)) v (id),"
    " LATERAL (SELECT * FROM {t} x WHERE x.tenant_id = v.id) y",
    "self join": "SELECT y.* FROM {t} x LEFT JOIN {t} y ON x.tenant_id <> y.tenant_id",
    "set operation": "SELECT x::text FROM {t} x UNION ALL SELECT x::text FROM {t} x WHERE tenant_id = '{other}'",
    "scalar subquery": "SELECT (SELECT count(*) * 7777 FROM {t} x WHERE x.tenant_id = '{other}')",
    "by place on disk": "SELECT * FROM {t} WHERE ctid >= '(0,0)'",
    "sample": "SELECT * FROM {t} TABLESAMPLE SYSTEM (100)",
    "as json": "SELECT jsonb_agg(x) FROM {t} x",
    "as xml free text": "SELECT format('%s', x) FROM {t} x",
    "for update": "SELECT * FROM {t} FOR UPDATE",
    "for share": "SELECT * FROM {t} WHERE tenant_id = '{other}' FOR SHARE SKIP LOCKED",
    "cursor": "DECLARE c SCROLL CURSOR FOR SELECT * FROM {t}; FETCH ALL FROM c",
    "copy of a query": "COPY (SELECT * FROM {t}) TO STDOUT",
    "copy of the table": "COPY {t} TO STDOUT",
    "explain": "EXPLAIN (VERBOSE) SELECT * FROM {t}",
    "explain analyze": "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {t}",
}

# Must touch exactly the tenant's own rows: (template, "own" or "none").
WRITES = {
    "update all": ("UPDATE {t} SET tenant_id = tenant_id", "own"),
    "update others": ("UPDATE {t} SET tenant_id = tenant_id WHERE tenant_id = '{other}'", "none"),
    "update from": ("UPDATE {t} SET tenant_id = x.tenant_id FROM {t} x WHERE x.tenant_id = '{other}'", "none"),
    "update returning": ("UPDATE {t} SET tenant_id = tenant_id RETURNING *", "own"),
    "update by subquery": (
        (
            "UPDATE {t} SET tenant_id = tenant_id"
            " WHERE tenant_id IN (SELECT tenant_id FROM {t} WHERE tenant_id <> '{own}')"
        ),
        "none",
    ),
    "delete others": ("DELETE FROM {t} WHERE tenant_id = '{other}'", "none"),
    "delete not mine": ("DELETE FROM {t} WHERE tenant_id <> '{own}' RETURNING *", "none"),
    "delete using": ("DELETE FROM {t} USING {t} x WHERE x.tenant_id = '{other}'", "none"),
    "modifying cte": (
        "WITH gone AS (UPDATE {t} SET tenant_id = tenant_id WHERE tenant_id <> '{own}' RETURNING *) SELECT * FROM gone",
        "none",
    ),
    "merge": (
        (
            "MERGE INTO {t} x USING (SELECT '{other}'::uuid AS id) v ON x.tenant_id = v.id"
            " WHEN MATCHED THEN UPDATE SET tenant_id = x.tenant_id"
        ),
        "none",
    ),
    "merge all": (
        "MERGE INTO {t} x USING (SELECT 1) v ON true WHEN MATCHED THEN UPDATE SET tenant_id = x.tenant_id",
        "own",
    ),
}

# Must be refused whatever the grants are.
REFUSED = {
    "give away": "UPDATE {t} SET tenant_id = '{other}'",
    "truncate": "TRUNCATE {t} CASCADE",
    "row security off": "SET LOCAL row_security = off; SELECT * FROM {t}",
    "switch the wall off": "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
    "stop forcing it": "ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY",
    "another policy": "CREATE POLICY wide ON {t} USING (true)",
    "drop the policy": "DROP POLICY tenant_wall ON {t}",
    "change the policy": "ALTER POLICY tenant_wall ON {t} USING (true)",
    "own it": "ALTER TABLE {t} OWNER TO CURRENT_USER",
    "trigger": "CREATE TRIGGER x BEFORE INSERT ON {t} EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    "rule": "CREATE RULE x AS ON INSERT TO {t} DO ALSO SELECT 1",
    "view": "CREATE VIEW v AS SELECT * FROM {t}",
    "index": "CREATE INDEX ON {t} (tenant_id)",
    "statistics": "CREATE STATISTICS s ON tenant_id, ctid FROM {t}",
}
