-- The session on a hub in which a global query runs: the settings that were changed, with their
-- values.
--
-- Joins and groups by shard over partitioned tables run on the servers. Servers are read one after
-- the other: in order of arrival, sums of floats differ from run to run, and so does which of 0 and
-- 0.0 is the minimum.
SELECT s.name, pg_catalog.set_config(s.name, wanted.setting, true)
FROM pg_catalog.pg_settings AS s
JOIN (VALUES
    ('enable_partitionwise_join', 'on'),
    ('enable_partitionwise_aggregate', 'on'),
    ('enable_async_append', 'off')
) AS wanted (name, setting) ON wanted.name OPERATOR(pg_catalog.=) s.name
