-- Returns one row for each shard that has tables: its name, and the oids of its tables (partitions
-- too, but not what they are partitions of) and materialized views, at the snapshot of the run.
-- For count_shard.sql, once for all shards: pg_class has no index on the schema alone, and 8,192
-- scans of it took four minutes.
SELECT n.nspname, pg_catalog.array_agg(c.oid)
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
WHERE n.nspname {is_shard}
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}')
GROUP BY n.nspname
