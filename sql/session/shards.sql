-- Returns, in no particular order, each schema that is a shard or looks like one, whether the
-- database has partitions or other child tables whose changes can be detected (Postgres 12 and
-- later), and whether the schema has the table of --having-table. A schema that only looks like a
-- shard (shard_007, Shard_2, shard-4, shard_2_old) may hold data that no query reads, so it has to
-- be reported. Names like shard_map are left out: they have no number.
SELECT
    n.nspname,
    EXISTS (SELECT 1 FROM pg_catalog.pg_inherits)
    AND pg_catalog.to_regproc('pg_catalog.pg_partition_ancestors') IS NOT NULL,
    {has_table}
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname {is_shard} OR n.nspname OPERATOR(pg_catalog.~*) {look_alikes}
