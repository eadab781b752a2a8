-- One row per type of {oids} that somebody defined in this database: its oid,
-- schema and name.
SELECT t.oid, n.nspname, t.typname
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE t.oid OPERATOR(pg_catalog.=) ANY ({oids})
