-- The collations of the database: the name with its schema, and the definition.
SELECT
    pg_catalog.format('%I.%I', n.nspname, c.collname),
    (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.-) 'oid' OPERATOR(pg_catalog.-) 'collnamespace'
        OPERATOR(pg_catalog.-) 'collowner')::pg_catalog.text
FROM pg_catalog.pg_collation AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.collnamespace
