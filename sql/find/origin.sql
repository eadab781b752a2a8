-- Looks up an origin by name in the shard it belongs in. One row if it is there; an error if
-- the table does not exist.
SELECT id
FROM {table}
WHERE name OPERATOR(pg_catalog.=) {name}::pg_catalog.text
LIMIT 1
