-- One row per schema that is a shard or looks like one: its name, in no order, and
-- whether the database has partitions whose coming and going can be told (Postgres 12
-- on). What
-- looks like a shard and is none (shard_007, Shard_2, shard-4, shard_2_old) may hold
-- data that nobody asks for, so that it has to be named. shard_map and the like are
-- left out: no number follows.
SELECT
    nspname,
    EXISTS (SELECT 1 FROM pg_catalog.pg_inherits)
    AND pg_catalog.to_regproc('pg_catalog.pg_partition_ancestors') IS NOT NULL
FROM pg_catalog.pg_namespace
WHERE nspname OPERATOR(pg_catalog.~*) '^shards?([^a-z]*[0-9]|[^a-z]+$)'
