-- One row per shard: its schema, and the catalog's estimate of the rows in its tables.
SELECT n.nspname, sum(greatest(c.reltuples, 0))::pg_catalog.int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}')
  AND n.nspname {is_shard}
GROUP BY n.nspname
