-- Searches one table of a shard for rows whose column has the key. One row if there are some: the
-- table, how many, and NULL. The literal has no type, so it becomes the column's, and the column's
-- index serves.
SELECT {label}::pg_catalog.text, pg_catalog.count(*)::pg_catalog.text, NULL::pg_catalog.text
FROM {table}
WHERE {column} OPERATOR({operator_schema}.=) {key}
HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
