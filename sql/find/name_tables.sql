-- One row per shard that has a table {table} with names and ids: its schema, the table, true
-- for the name column, and true for readable: if it is not, the query on it fails with the
-- server's own error. {schema} limits it to one shard; NULL means all.
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, true, true
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relname OPERATOR(pg_catalog.=) {table}
  AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}')
  AND n.nspname {is_shard}
  AND ({schema} IS NULL OR n.nspname OPERATOR(pg_catalog.=) {schema})
  AND (
      SELECT pg_catalog.count(*)
      FROM pg_catalog.pg_attribute a
      WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND a.attname OPERATOR(pg_catalog.=) ANY ('{id,name}')) OPERATOR(pg_catalog.=) 2
