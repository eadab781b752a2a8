-- One row per table in {names} and schema in {schemas}: the schema, an upper bound of its rows
-- (NULL if unknown), and whether the planner has statistics.
--
-- A row takes at least 28 bytes: a header of 24 and a line pointer of 4.
SELECT
    n.nspname,
    CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relhassubclass
        THEN pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) 28 END,
    c.reltuples OPERATOR(pg_catalog.>) 0
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
WHERE n.nspname OPERATOR(pg_catalog.=) ANY ({schemas})
    AND c.relname OPERATOR(pg_catalog.=) ANY ({names})
