-- Suggests what a name that the server did not find could mean. Returns rows of three columns; the
-- first says what the row is:
--
-- - shards: the number of shards
-- - denied: a failed shard on whose schema this user has no USAGE, which hides its contents
-- - table: a table name in shards, of about the same length, and how many shards have it
-- - schema: a schema that is not a shard, that has this name, and that this user may use
--
-- {kind} is the kind of object: table, type, or function (which includes operators).
WITH shard AS (
    SELECT oid, nspname
    FROM pg_catalog.pg_namespace
    WHERE nspname {is_shard}
)
SELECT 'shards', pg_catalog.count(*)::pg_catalog.text, NULL FROM shard
UNION ALL
SELECT 'denied', nspname::pg_catalog.text, NULL
FROM shard
WHERE nspname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({failed}::pg_catalog.text[])
  AND NOT pg_catalog.has_schema_privilege(oid, 'USAGE')
UNION ALL
SELECT 'table', c.relname::pg_catalog.text, pg_catalog.count(*)::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN shard ON shard.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE {kind} OPERATOR(pg_catalog.=) 'table'
  AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}')
  AND pg_catalog.length(c.relname::pg_catalog.text) BETWEEN {shortest} AND {longest}
GROUP BY c.relname
UNION ALL
SELECT 'schema', n.nspname::pg_catalog.text, NULL
FROM pg_catalog.pg_namespace n
WHERE n.oid OPERATOR(pg_catalog.=) ANY (
    SELECT relnamespace FROM pg_catalog.pg_class
    WHERE {kind} OPERATOR(pg_catalog.=) 'table' AND relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}')
      AND relname::pg_catalog.text OPERATOR(pg_catalog.=) {name}
    UNION ALL
    SELECT typnamespace FROM pg_catalog.pg_type
    WHERE {kind} OPERATOR(pg_catalog.=) 'type' AND typname::pg_catalog.text OPERATOR(pg_catalog.=) {name}
    UNION ALL
    SELECT pronamespace FROM pg_catalog.pg_proc
    WHERE {kind} OPERATOR(pg_catalog.=) 'function' AND proname::pg_catalog.text OPERATOR(pg_catalog.=) {name}
    UNION ALL
    SELECT oprnamespace FROM pg_catalog.pg_operator
    WHERE {kind} OPERATOR(pg_catalog.=) 'function' AND oprname::pg_catalog.text OPERATOR(pg_catalog.=) {name})
  AND NOT n.oid OPERATOR(pg_catalog.=) ANY (SELECT oid FROM shard)
  AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema,pg_toast}')
  AND n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_(temp|toast_temp)_'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
