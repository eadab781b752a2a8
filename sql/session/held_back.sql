-- Returns one row: how many transactions have begun since this session's snapshot was taken. VACUUM
-- keeps the rows that they delete as long as the snapshot is held.
SELECT pg_catalog.age(backend_xmin)
FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())
