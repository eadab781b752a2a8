-- Returns one row per name that begins with a text: tables, columns and functions of one shard,
-- functions of Postgres, and settings. For completion, so at most 200, quoted where SQL needs it.
WITH names AS (
    SELECT c.relname AS name
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace OPERATOR(pg_catalog.=) {schema}::pg_catalog.regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION
    SELECT a.attname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
    WHERE c.relnamespace OPERATOR(pg_catalog.=) {schema}::pg_catalog.regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND a.attnum OPERATOR(pg_catalog.>) 0
        AND NOT a.attisdropped
    UNION
    SELECT p.proname
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace OPERATOR(pg_catalog.=) {schema}::pg_catalog.regnamespace
        OR p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
    UNION
    SELECT s.name FROM pg_catalog.pg_settings AS s
)
SELECT pg_catalog.quote_ident(name)
FROM names
WHERE pg_catalog.left(name::pg_catalog.text, {length}) OPERATOR(pg_catalog.=) {start}
ORDER BY 1
LIMIT 200
