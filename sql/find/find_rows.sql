-- The look into one table; a shard's tables follow each other by UNION ALL. One row
-- per row that has the key ($1): the table, the row's id, its name if it has one.
SELECT {label}::pg_catalog.text, id::pg_catalog.text, {name}
FROM {table}
WHERE {column} OPERATOR(pg_catalog.=) $1
