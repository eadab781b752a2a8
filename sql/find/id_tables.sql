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
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attname = 'name'),
    pg_catalog.has_table_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
JOIN pg_catalog.pg_attribute id ON id.attrelid = c.oid AND id.attname = 'id'
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indkey[0] = id.attnum
WHERE n.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
  AND ({schema} IS NULL OR n.nspname = {schema})
  AND id.atttypid = 'pg_catalog.int8'::pg_catalog.regtype
  AND i.indisunique AND i.indisvalid AND i.indnatts = 1 AND i.indpred IS NULL
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)
ORDER BY 2
