-- One row per table of a shard that has a unique bigint id: its schema, the table, whether it
-- has a name column, and whether this user may read it. {schema} limits it to one shard; NULL
-- means all.
--
-- Partitions are left out, because searching their table covers them. An index on more than
-- the id does not make the id unique.
SELECT DISTINCT
    n.nspname::pg_catalog.text,
    c.relname::pg_catalog.text,
    EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND a.attname OPERATOR(pg_catalog.=) 'name'),
    pg_catalog.has_table_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
JOIN pg_catalog.pg_attribute id ON id.attrelid OPERATOR(pg_catalog.=) c.oid AND id.attname OPERATOR(pg_catalog.=) 'id'
JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indkey[0] OPERATOR(pg_catalog.=) id.attnum
WHERE n.nspname {is_shard}
  AND ({schema} IS NULL OR n.nspname OPERATOR(pg_catalog.=) {schema})
  AND id.atttypid OPERATOR(pg_catalog.=) 'pg_catalog.int8'::pg_catalog.regtype
  AND i.indisunique AND i.indisvalid AND i.indnatts OPERATOR(pg_catalog.=) 1 AND i.indpred IS NULL
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid OPERATOR(pg_catalog.=) i.indexrelid)
ORDER BY 2
