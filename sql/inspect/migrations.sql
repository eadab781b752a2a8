-- The records of applied migrations: one row per record, with the shards that have it (a shard is
-- its position among all, from 1). {records} is migration_records.sql for each of some shards.
SELECT record, array_to_string(array_agg(DISTINCT n), ',')
FROM (
    {records}
) AS recorded (n, record)
GROUP BY record
