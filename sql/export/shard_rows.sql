-- One row per shard: its schema, and the catalog's estimate of the rows in its tables.
SELECT n.nspname, sum(greatest(c.reltuples, 0))::pg_catalog.int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
  AND n.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
GROUP BY n.nspname
