-- Turns JIT off for the next statement. The number of rows of find_keys_in_shards.sql is
-- overestimated, since nothing is known of the keys, and compiling its many scans took a third of
-- its time. Postgres 10 has no JIT.
SELECT pg_catalog.set_config(name, 'off', true)
FROM pg_catalog.pg_settings
WHERE name OPERATOR(pg_catalog.=) 'jit'
