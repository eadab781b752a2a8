-- Some of the distinct keys in a column of a shard's table: at most {keys} of those in the first
-- {rows} rows, since a large table would take long to read. The last branch of the statement is
-- rewritten.sql.
SELECT some_keys.key, ''::pg_catalog.text, ''::pg_catalog.text
FROM (
    SELECT DISTINCT some_rows.key
    FROM (
        SELECT {column}::pg_catalog.text AS key FROM {table}
        WHERE {column} IS NOT NULL
        LIMIT {rows}) AS some_rows
    LIMIT {keys}) AS some_keys
