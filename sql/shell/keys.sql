-- Values of a column of one shard that begin with a text, for completion. No more are of use, and a
-- shard may have very many.
SELECT {column}::pg_catalog.text
FROM {table}
WHERE pg_catalog.starts_with({column}::pg_catalog.text, {start})
ORDER BY 1
LIMIT 20
