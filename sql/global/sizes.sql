-- One row per table of {names} and schema of {schemas}: the schema, the most rows that it can
-- have, NULL where that is not known, and whether the planner has statistics of it.
--
-- A row takes 28 bytes at least: a header of 24, and 4 that point to it.
SELECT
    n.nspname,
    CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relhassubclass
        THEN pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) 28 END,
    c.reltuples OPERATOR(pg_catalog.>) 0
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
WHERE n.nspname OPERATOR(pg_catalog.=) ANY ({schemas})
    AND c.relname OPERATOR(pg_catalog.=) ANY ({names})
