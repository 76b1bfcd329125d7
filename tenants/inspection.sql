-- What must be true of the catalog, one query a check. Each returns (where, what); no rows means that all is well.

-- check: login roles are weak
SELECT rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolbypassrls THEN 'bypasses RLS' END,
       CASE WHEN rolcreatedb THEN 'creates databases' END, CASE WHEN rolcreaterole THEN 'creates roles' END,
       CASE WHEN rolinherit THEN 'inherits' END)
FROM pg_roles WHERE rolname IN ('terrace_app', 'terrace_worker')
  AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolinherit);

-- check: login roles own nothing
SELECT c.oid::regclass::text, 'owned by ' || r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
WHERE r.rolname IN ('terrace_app', 'terrace_worker', 'terrace_reader', 'terrace_backup');

-- check: row security is enabled and forced
SELECT n.nspname || '.' || c.relname, 'row security is not ' || CASE WHEN c.relrowsecurity THEN 'forced' ELSE 'enabled' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' OR nspname = 'desk') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- check: tables have both policies
SELECT n.nspname || '.' || c.relname, 'lacks its permissive or its restrictive policy'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' OR nspname = 'desk')
  AND NOT (EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_rows' AND p.polpermissive)
       AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_wall' AND NOT p.polpermissive));

-- check: policies compare the tenant
SELECT schemaname || '.' || tablename || ' ' || policyname, 'has an unknown condition'
FROM pg_policies JOIN pg_namespace ON nspname = schemaname
WHERE (nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' OR nspname = 'desk') AND policyname NOT IN ('platform_rows', 'control_insert')
  AND (coalesce(qual, '') NOT LIKE '%tenant_id = %current_setting(''app.tenant_id''%'
    OR coalesce(with_check, qual) NOT LIKE '%tenant_id = %current_setting(''app.tenant_id''%');

-- check: keys begin with the tenant
SELECT i.indexrelid::regclass::text, 'is a unique key without tenant_id'
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' AND NOT EXISTS (
    SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey));

-- check: references carry the tenant
SELECT c.conrelid::regclass::text || ' ' || c.conname, 'references without tenant_id on both sides, or another schema'
FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
JOIN pg_class target ON target.oid = c.confrelid
WHERE c.contype = 'f' AND nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' AND (target.relnamespace <> n.oid
  OR NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attname = 'tenant_id' AND a.attnum = ANY (c.conkey))
  OR NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attname = 'tenant_id' AND a.attnum = ANY (c.confkey)));

-- check: no views, rules, foreign tables or definer functions
SELECT n.nspname || '.' || c.relname, 'is a ' || CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm', 'f') AND (nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' OR nspname IN ('desk', 'control'))
UNION ALL SELECT n.nspname || '.' || p.proname, 'runs with its owner''s rights or claims to be leakproof'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE (p.prosecdef OR p.proleakproof) AND (nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' OR nspname IN ('desk', 'control', 'public'));

-- check: nobody else holds rights
SELECT n.nspname || '.' || c.relname, 'grants ' || a.privilege_type || ' to ' || coalesce(r.rolname, 'PUBLIC')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE nspname ~ '^(pool_\d{2}|t_[0-9a-f]{32})$' AND c.relkind IN ('r', 'p') AND a.grantee <> c.relowner
  AND (coalesce(r.rolname, '') <> n.nspname OR a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'));

-- check: temporary tables are refused
SELECT role, 'may create temporary tables' FROM unnest(ARRAY['terrace_app', 'terrace_worker']) role
WHERE has_database_privilege(role, current_database(), 'TEMP');

-- check: schemas are at the head
SELECT schema_name, 'stands at ' || revision FROM control.schema_version WHERE revision <> {head};
