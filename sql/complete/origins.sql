-- For the shell: names of one shard's origins that begin with a prefix. No more are of use, and a
-- shard may have very many.
SELECT name
FROM {table}
WHERE pg_catalog.starts_with(name, {prefix})
ORDER BY name
LIMIT 100
