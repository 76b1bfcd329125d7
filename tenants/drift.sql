-- All that schema {schema} is made of: kind, name, definition, and the statement that makes the thing where that is safe.
-- The schema is first on the search path, so that definitions do not name it; indexes name it always.
WITH here AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
           quote_ident(c.relname) AS called
    FROM pg_class c WHERE c.relnamespace = {schema}::regnamespace
), tables AS (
    SELECT * FROM here WHERE relkind IN ('r', 'p')
), columns AS (
    SELECT t.relname, t.called, a.*, pg_get_expr(d.adbin, d.adrelid) AS standard
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
)
SELECT 'schema' AS kind, 'owner' AS name, nspowner::regrole::text AS definition, '' AS remedy
FROM pg_namespace WHERE oid = {schema}::regnamespace
UNION ALL
SELECT 'schema grant', r.rolname || ' ' || a.privilege_type, CASE WHEN a.is_grantable THEN 'may pass it on' ELSE '' END,
       format('GRANT %s ON SCHEMA %s TO %s', a.privilege_type, {quoted}, quote_ident(r.rolname))
FROM pg_namespace n, aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE n.oid = {schema}::regnamespace AND a.grantee <> n.nspowner
UNION ALL
SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence'
       ELSE 'relation ' || relkind::text END, relname, relowner::regrole::text, ''
FROM here WHERE relkind NOT IN ('i', 'I', 't', 'c')
UNION ALL
SELECT 'column', relname || '.' || attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
       || attidentity::text || attgenerated::text || ' ' || coalesce((SELECT collname FROM pg_collation l WHERE l.oid = attcollation), ''), ''
FROM columns
UNION ALL
SELECT 'default', relname || '.' || attname, standard,
       format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', called, attname, standard)
FROM columns WHERE standard IS NOT NULL AND attgenerated = ''
UNION ALL
SELECT 'constraint', t.relname || ' ' || k.conname, pg_get_constraintdef(k.oid), ''
FROM pg_constraint k JOIN tables t ON t.oid = k.conrelid WHERE k.contype <> 'n'
UNION ALL
SELECT 'index', i.relname, pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END,
       CASE WHEN EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')) THEN ''
            ELSE pg_get_indexdef(i.oid) END
FROM pg_index x JOIN here i ON i.oid = x.indexrelid JOIN tables t ON t.oid = x.indrelid
UNION ALL
SELECT 'row security', relname, concat_ws(' ', CASE WHEN relrowsecurity THEN 'enabled' END, CASE WHEN relforcerowsecurity THEN 'forced' END),
       concat_ws('; ', CASE WHEN relrowsecurity THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', called) END,
                 CASE WHEN relforcerowsecurity THEN format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', called) END)
FROM tables
UNION ALL
SELECT 'policy', t.relname || ' ' || p.polname, made, format('DROP POLICY IF EXISTS %I ON %s; CREATE POLICY %I ON %s %s', p.polname, t.called, p.polname, t.called, made)
FROM pg_policy p JOIN tables t ON t.oid = p.polrelid, LATERAL (SELECT concat_ws(' ',
    'AS', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    'FOR', CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
    'TO', (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ') FROM unnest(p.polroles) o),
    'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS made) m
UNION ALL
SELECT 'grant', t.relname || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || a.privilege_type, CASE WHEN a.is_grantable THEN 'may pass it on' ELSE '' END,
       format('GRANT %s ON %s TO %s', a.privilege_type, t.called, coalesce(quote_ident(r.rolname), 'PUBLIC'))
FROM tables t, aclexplode(t.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee <> t.relowner
UNION ALL
SELECT 'column grant', c.relname || '.' || c.attname || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || a.privilege_type, '',
       format('GRANT %s (%I) ON %s TO %s', a.privilege_type, c.attname, c.called, coalesce(quote_ident(r.rolname), 'PUBLIC'))
FROM columns c, aclexplode(c.attacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
UNION ALL
SELECT 'comment', t.relname || coalesce('.' || c.attname, ''), d.description,
       format('COMMENT ON %s IS %L', CASE WHEN c.attname IS NULL THEN 'TABLE ' || t.called ELSE format('COLUMN %s.%I', t.called, c.attname) END, d.description)
FROM pg_description d JOIN tables t ON t.oid = d.objoid AND d.classoid = 'pg_class'::regclass
LEFT JOIN columns c ON c.attrelid = t.oid AND c.attnum = d.objsubid
UNION ALL
SELECT 'function', proname || '(' || pg_get_function_identity_arguments(oid) || ')', md5(prosrc) || proowner::regrole::text || prosecdef::text, ''
FROM pg_proc WHERE pronamespace = {schema}::regnamespace
UNION ALL
SELECT 'trigger', t.relname || ' ' || g.tgname, pg_get_triggerdef(g.oid), '' FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
