-- Searches one table; UNION ALL joins the tables of a shard. One row per row that has the key
-- ($1): the table, the row's id, and its name if it has one.
SELECT {label}::pg_catalog.text, id::pg_catalog.text, {name}
FROM {table}
WHERE {column} OPERATOR(pg_catalog.=) $1
